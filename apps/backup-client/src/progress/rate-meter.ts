// How fast something grows, smoothed, and how long the rest takes. Pure: time comes in.

/** Samples closer together than this are one: a rate over a moment says nothing. */
const SAMPLE_MS_MIN = 250;
/** What lies this far back counts a third of what is measured at present. */
const MEMORY_MS = 8_000;
/** Before this, nobody can tell how long the rest takes. */
const SETTLED_MS = 2_000;
const REMAINING_SECONDS_MAX = 100 * 60 * 60;

export class RateMeter {
  private readonly startedMs: number;
  private lastMs: number;
  private lastAmount = 0;
  private weighted = 0;
  private weight = 0;

  /** nowMs   monotonic */
  constructor(nowMs: number) {
    this.startedMs = nowMs;
    this.lastMs = nowMs;
  }

  /** Note how much there is at a time. Amounts never shrink; when one does, the meter takes it as no growth. */
  note(nowMs: number, amount: number): void {
    const passedMs = nowMs - this.lastMs;
    if (passedMs < SAMPLE_MS_MIN) return;
    const keep = Math.exp(-passedMs / MEMORY_MS);
    const perSecond = (Math.max(0, amount - this.lastAmount) * 1000) / passedMs;
    this.weighted = this.weighted * keep + perSecond * (1 - keep);
    this.weight = this.weight * keep + (1 - keep);
    this.lastMs = nowMs;
    this.lastAmount = amount;
  }

  /** Of the amount, per second; 0 before the first sample. */
  get perSecond(): number {
    return this.weight === 0 ? 0 : this.weighted / this.weight;
  }

  elapsedSeconds(nowMs: number): number {
    return (nowMs - this.startedMs) / 1000;
  }

  /** Seconds until `remaining` more is done; null while nobody can tell. */
  remainingSeconds(nowMs: number, remaining: number): number | null {
    if (remaining <= 0) return 0;
    if (nowMs - this.startedMs < SETTLED_MS || this.perSecond === 0) return null;
    const seconds = remaining / this.perSecond;
    return seconds > REMAINING_SECONDS_MAX ? null : seconds;
  }
}
