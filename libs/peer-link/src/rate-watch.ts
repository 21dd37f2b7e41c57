// The floor under a transfer: when too few bytes moved in a whole window, the transfer is ended.
import type { Clock } from '#process';
import { BYTES_PER_WINDOW_MIN, RATE_WINDOW_MS } from './limits.js';

export class RateWatch {
  private movedBytes = 0;
  private cancel: (() => void) | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly onTooSlow: () => void,
  ) {}

  /** Begin to judge; a second call changes nothing. */
  start(): void {
    if (this.cancel === null) this.wait();
  }

  moved(bytes: number): void {
    this.movedBytes += bytes;
  }

  stop(): void {
    this.cancel?.();
    this.cancel = null;
  }

  private wait(): void {
    this.movedBytes = 0;
    this.cancel = this.clock.schedule(RATE_WINDOW_MS, () => {
      if (this.movedBytes >= BYTES_PER_WINDOW_MIN) return this.wait();
      this.cancel = null;
      this.onTooSlow();
    });
  }
}
