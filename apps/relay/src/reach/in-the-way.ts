// Which streams end when too much is held for all of them together: those that have stalled longest. Pure.

/** A stream or a visit, as far as what it holds. */
export interface Holding {
  /** What came and is not taken yet. */
  readonly heldBytes: number;
  /** Since when nothing of it was taken, by the monotonic clock; null when nothing is held. */
  readonly stalledSinceMs: number | null;
}

/** As many of `all` as must end, so that the others hold no more than `heldBytesMax` together. */
export function inTheWay<T extends Holding>(all: readonly T[], heldBytesMax: number): T[] {
  let leftBytes = all.reduce((sum, { heldBytes }) => sum + heldBytes, 0);
  if (leftBytes <= heldBytesMax) return [];
  const stalled = all.filter(({ stalledSinceMs }) => stalledSinceMs !== null);
  stalled.sort((a, b) => a.stalledSinceMs! - b.stalledSinceMs!);
  return stalled.filter(({ heldBytes }) => {
    if (leftBytes <= heldBytesMax) return false;
    leftBytes -= heldBytes;
    return true;
  });
}
