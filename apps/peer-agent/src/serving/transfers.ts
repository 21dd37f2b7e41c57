// The transfers under way: so many at once, a part of them for one client, none slower than the least rate, and an end when the host stops.
import { strict as assert } from 'node:assert';
import { ProtocolError, type Requester, TRANSFERS_MAX } from '#protocol';
import { DISK_BATCH_BYTES, LEAST_BYTES_PER_WINDOW, TRANSFERS_PER_CLIENT_MAX } from '../limits.js';
import { Progress } from '../shards/receive-shard.js';

/** Bytes show when their batch has gone: of those that moved in a window, up to one batch is not seen in it. */
const LEAST_BYTES_SEEN = LEAST_BYTES_PER_WINDOW - DISK_BATCH_BYTES;

export interface Transfer {
  readonly progress: Progress;
  /** The peer has nothing more to send or to take: from here on the time is the host's own. */
  networkDone(): void;
  end(): void;
}

export class Transfers {
  /** Bytes moved when the present window began; null in the first, incomplete one. */
  private readonly watched = new Map<Progress, number | null>();
  private readonly ofClients = new Map<Requester, number>();
  private runningCount = 0;
  private stopping = false;
  private idleWaiters: (() => void)[] = [];

  constructor(
    private readonly atOnceMax = TRANSFERS_MAX,
    private readonly ofClientMax = TRANSFERS_PER_CLIENT_MAX,
  ) {}

  get running(): number {
    return this.runningCount;
  }

  get isStopping(): boolean {
    return this.stopping;
  }

  /** throws host_stopping | host_busy */
  begin(clientId: Requester): Transfer {
    if (this.stopping) throw new ProtocolError('host_stopping');
    if (this.runningCount >= this.atOnceMax) throw new ProtocolError('host_busy');
    if (this.countOf(clientId) >= this.ofClientMax) throw new ProtocolError('host_busy');
    const progress = new Progress();
    this.runningCount++;
    this.ofClients.set(clientId, this.countOf(clientId) + 1);
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
        this.forget(clientId);
        if (this.runningCount === 0) for (const wake of this.idleWaiters.splice(0)) wake();
      },
    };
  }

  /** Once every RATE_WINDOW_MS: cut off what moved too little in a whole window; again, should it still be there. */
  checkRates(): void {
    for (const [progress, bytesBefore] of this.watched) {
      if (bytesBefore !== null && progress.bytesMoved - bytesBefore < LEAST_BYTES_SEEN) {
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

  private countOf(clientId: Requester): number {
    return this.ofClients.get(clientId) ?? 0;
  }

  private forget(clientId: Requester): void {
    const left = this.countOf(clientId) - 1;
    if (left === 0) this.ofClients.delete(clientId);
    else this.ofClients.set(clientId, left);
  }
}
