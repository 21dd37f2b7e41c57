// How often a batch is tried again: as long as it gets further, and a bounded number of times while it does not.
import { waitFor } from '#peer-home';
import type { Clock } from '#process';
import { decideRetry, isRefusal, type ProtocolError } from '#protocol';
import { BATCH_FRUITLESS_MAX } from './limits.js';

export class BatchAttempts {
  private fruitless = 0;
  private furthest = 0;

  constructor(
    private readonly clock: Clock,
    private readonly signal: AbortSignal | undefined,
  ) {}

  /** So many items are known to be done. */
  reached(position: number): void {
    if (position <= this.furthest) return;
    this.furthest = position;
    this.fruitless = 0;
  }

  /** The host is elsewhere than it said; it may say so only as often as an attempt may fail. */
  misplaced(error: ProtocolError): void {
    this.count(error);
  }

  /** An attempt failed: wait before the next one. Throws the error when there is to be none. */
  async failed(error: unknown): Promise<void> {
    if (!isRefusal(error)) throw error;
    this.count(error);
    const pauseMs = decideRetry('batch', error, this.fruitless, 0);
    if (pauseMs === null) throw error;
    await waitFor(this.clock, pauseMs, this.signal);
  }

  private count(error: ProtocolError): void {
    this.fruitless++;
    if (this.fruitless > BATCH_FRUITLESS_MAX) throw error;
  }
}
