// How fast and how often a host reads all that it holds. Pure.

export interface ScrubPace {
  /** 0: it does not read by itself. */
  readonly bytesPerSecond: number;
  /** A round begins so long after the one before began, or when that has ended. */
  readonly roundMsMin: number;
}

const SECOND_MS = 1_000;

/** How long to wait after a slice of so many bytes, so that the reading keeps its rate. */
export function pauseAfterMs(sliceBytes: number, { bytesPerSecond }: ScrubPace): number {
  return Math.ceil((sliceBytes / bytesPerSecond) * SECOND_MS);
}

/** How long until the next round may begin; 0 when it may. */
export function restMs(
  { beganAtMs, nowMs }: { readonly beganAtMs: number; readonly nowMs: number },
  { roundMsMin }: ScrubPace,
): number {
  // A clock that was set back must not keep the scrub from its work.
  const sinceMs = Math.max(0, nowMs - beganAtMs);
  return beganAtMs > nowMs ? 0 : Math.max(0, roundMsMin - sinceMs);
}
