// Writes a long answer at the pace of its reader; one who takes nothing for a while is cut off.
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Clock } from '#process';
import { SLICE_BYTES, STALL_MS } from './limits.js';

export class Outgoing {
  private readonly gone = new AbortController();

  constructor(
    private readonly response: ServerResponse,
    private readonly clock: Clock,
  ) {
    response.once('close', () => this.gone.abort());
  }

  /** Nobody reads any more: what is left to do for this answer may be dropped. */
  get isGone(): boolean {
    return this.gone.signal.aborted;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let start = 0; start < bytes.length && !this.isGone; start += SLICE_BYTES) {
      if (!this.response.write(bytes.subarray(start, start + SLICE_BYTES))) await this.drained();
    }
  }

  private async drained(): Promise<void> {
    if (this.isGone) return;
    const cancel = this.clock.schedule(STALL_MS, () => this.response.destroy());
    try {
      await once(this.response, 'drain', { signal: this.gone.signal });
    } catch (error) {
      if (!this.isGone) throw error;
    } finally {
      cancel();
    }
  }
}
