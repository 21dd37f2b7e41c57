// The transfers under way: so many at once, none slower than the least rate, and an end when the host stops.
import { strict as assert } from 'node:assert';
import { ProtocolError, TRANSFERS_MAX } from '#protocol';
import { LEAST_BYTES_PER_SECOND, RATE_WINDOW_MS } from '../limits.js';
import { Progress } from '../shards/receive-shard.js';

const LEAST_BYTES_PER_WINDOW = (LEAST_BYTES_PER_SECOND * RATE_WINDOW_MS) / 1_000;

export interface Transfer {
  readonly progress: Progress;
  /** The peer has nothing more to send or to take: from here on the time is the host's own. */
  networkDone(): void;
  end(): void;
}

export class Transfers {
  /** Bytes moved when the present window began; null in the first, incomplete one. */
  private readonly watched = new Map<Progress, number | null>();
  private runningCount = 0;
  private stopping = false;
  private idleWaiters: (() => void)[] = [];

  constructor(private readonly atOnceMax = TRANSFERS_MAX) {}

  get running(): number {
    return this.runningCount;
  }

  /** throws host_stopping | host_busy */
  begin(): Transfer {
    if (this.stopping) throw new ProtocolError('host_stopping');
    if (this.runningCount >= this.atOnceMax) throw new ProtocolError('host_busy');
    const progress = new Progress();
    this.runningCount++;
    this.watched.set(progress, null);
    let ended = false;
    return {
      progress,
      networkDone: () => this.watched.delete(progress),
      end: () => {
        assert(!ended);
        ended = true;
        this.watched.delete(progress);
        this.runningCount--;
        if (this.runningCount === 0) for (const wake of this.idleWaiters.splice(0)) wake();
      },
    };
  }

  /** Once every RATE_WINDOW_MS: cut off what moved too little in a whole window; again, should it still be there. */
  checkRates(): void {
    for (const [progress, bytesBefore] of this.watched) {
      if (bytesBefore !== null && progress.bytesMoved - bytesBefore < LEAST_BYTES_PER_WINDOW) {
        progress.cut(new ProtocolError('transfer_too_slow'));
      } else {
        this.watched.set(progress, progress.bytesMoved);
      }
    }
  }

  refuseNew(): void {
    this.stopping = true;
  }

  /** Resolves when no transfer runs. */
  async idle(): Promise<void> {
    if (this.runningCount > 0) await new Promise<void>((resolve) => this.idleWaiters.push(resolve));
  }
}
