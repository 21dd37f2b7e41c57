// The floor under a transfer: when too few bytes moved in a whole window, the transfer is ended.
import type { Clock } from '#process';
import { BYTES_PER_WINDOW_MIN, RATE_WINDOW_MS } from './limits.js';

export class RateWatch {
  private movedBytes = 0;
  private cancel: (() => void) | null = null;
  private dueAtMs = 0;
  /** What is left of the window, while our own limit holds the transfer back. */
  private pausedLeftMs: number | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly onTooSlow: () => void,
  ) {}

  /** Begin to judge; a second call changes nothing. */
  start(): void {
    if (this.cancel !== null || this.pausedLeftMs !== null) return;
    this.movedBytes = 0;
    this.wait(RATE_WINDOW_MS);
  }

  moved(bytes: number): void {
    this.movedBytes += bytes;
  }

  /** The time until `resume` is ours and not the other side's: it does not count. */
  pause(): void {
    if (this.cancel === null) return;
    this.cancel();
    this.cancel = null;
    this.pausedLeftMs = this.dueAtMs - this.clock.monotonicMs();
  }

  resume(): void {
    if (this.pausedLeftMs === null) return;
    this.wait(this.pausedLeftMs);
    this.pausedLeftMs = null;
  }

  stop(): void {
    this.cancel?.();
    this.cancel = null;
    this.pausedLeftMs = null;
  }

  private wait(ms: number): void {
    this.dueAtMs = this.clock.monotonicMs() + ms;
    this.cancel = this.clock.schedule(ms, () => {
      this.cancel = null;
      if (this.movedBytes < BYTES_PER_WINDOW_MIN) return this.onTooSlow();
      this.movedBytes = 0;
      this.wait(RATE_WINDOW_MS);
    });
  }
}
