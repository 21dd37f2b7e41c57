// Which epochs of the local networks' key there have to be: the one of now and the next. Pure.
export interface LanEpoch {
  readonly epoch: number;
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface LanEpochsDecision {
  /** To be made, in order; each needs a key of its own. */
  readonly missing: readonly LanEpoch[];
  /** Ended at least an epoch ago. */
  readonly over: readonly LanEpoch[];
}

/** Epochs follow each other without a gap, but where the broker was away for longer than one: then the next begins now. */
export function decideLanEpochs(
  epochs: readonly LanEpoch[],
  { nowMs, epochMs }: { readonly nowMs: number; readonly epochMs: number },
): LanEpochsDecision {
  const missing: LanEpoch[] = [];
  let last = epochs.reduce<LanEpoch | null>(
    (newest, epoch) => (newest === null || epoch.epoch > newest.epoch ? epoch : newest),
    null,
  );
  // The last one begins later than now: there is one of now, and it is the next.
  while (last === null || last.fromMs <= nowMs) {
    const fromMs: number = last === null || last.untilMs <= nowMs ? nowMs : last.untilMs;
    last = { epoch: (last?.epoch ?? 0) + 1, fromMs, untilMs: fromMs + epochMs };
    missing.push(last);
  }
  return { missing, over: epochs.filter(({ untilMs }) => untilMs + epochMs <= nowMs) };
}

/** Those to be told: of now and later. */
export function liveEpochs<E extends LanEpoch>(epochs: readonly E[], nowMs: number): E[] {
  return epochs.filter(({ untilMs }) => untilMs > nowMs).toSorted((a, b) => a.epoch - b.epoch);
}
