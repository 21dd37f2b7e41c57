// Failures of the last while, by key: a sliding window, bounded in keys and in times per key. Pure but for its own state.

export class FailureWindows {
  // In order of the last failure, so that the keys that may be forgotten stand in front.
  private readonly failures = new Map<string, number[]>();

  constructor(
    private readonly windowMs: number,
    private readonly keysMax: number,
  ) {}

  /** No key that is not here yet can be remembered. */
  isFull(nowMs: number): boolean {
    this.forget(nowMs);
    return this.failures.size >= this.keysMax;
  }

  count(key: string, nowMs: number): number {
    return this.recent(key, nowMs).length;
  }

  /** Remember a failure; at the bound a new key is not remembered, and isFull has said so. */
  add(key: string, nowMs: number, timesMax: number): void {
    const times = this.recent(key, nowMs);
    if (times.length === 0 && this.isFull(nowMs)) return;
    this.failures.delete(key);
    this.failures.set(key, [...times, nowMs].slice(-timesMax));
  }

  /** Take back one failure, of the time at which it was added. */
  takeBack(key: string, atMs: number): void {
    const times = this.failures.get(key);
    const index = times?.lastIndexOf(atMs) ?? -1;
    if (times === undefined || index < 0) return;
    times.splice(index, 1);
    if (times.length === 0) this.failures.delete(key);
  }

  /** When the failures of a key were added, oldest first. */
  timesOf(key: string): readonly number[] {
    return [...(this.failures.get(key) ?? [])];
  }

  /** When the count of this key falls below `limit`, in ms from now; 0 when it is below. */
  waitMs(key: string, limit: number, nowMs: number): number {
    const times = this.recent(key, nowMs);
    const blocking = times[times.length - limit];
    return blocking === undefined ? 0 : blocking + this.windowMs - nowMs;
  }

  private recent(key: string, nowMs: number): number[] {
    return (this.failures.get(key) ?? []).filter((atMs) => atMs > nowMs - this.windowMs);
  }

  private forget(nowMs: number): void {
    for (const [key, times] of this.failures) {
      if ((times.at(-1) ?? 0) > nowMs - this.windowMs) return;
      this.failures.delete(key);
    }
  }
}
