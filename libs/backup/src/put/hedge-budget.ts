// How often a run may put a shard twice, and which hosts have lost such a race: new objects pass them by for a while.
import type { Clock } from '#process';
import type { PeerId } from '#protocol';

/** Of the shards of a run; a few are free, so that a short run has some. */
const PART_OF_SHARDS = 0.05;
const FREE_HEDGES = 4;

const SLOW_HOSTS_MAX = 16;
/** Then it may show that it has become faster. */
const PASSED_BY_MS = 10 * 60_000;

export class HedgeBudget {
  private sentShards = 0;
  private hedges = 0;
  private readonly slow = new Map<PeerId, number>();

  constructor(
    private readonly clock: Clock,
    /** False while our own limit makes hosts look slow, and bytes are dear. */
    private readonly mayHedge: () => boolean,
  ) {}

  sent(shards: number): void {
    this.sentShards += shards;
  }

  /** One more, if the budget has one. */
  take(): boolean {
    if (!this.mayHedge() || this.hedges >= FREE_HEDGES + Math.floor(PART_OF_SHARDS * this.sentShards)) return false;
    this.hedges++;
    return true;
  }

  /** This host was slower than one that began later. */
  lost(peerId: PeerId): void {
    if (this.slow.size >= SLOW_HOSTS_MAX && !this.slow.has(peerId)) return;
    this.slow.set(peerId, this.clock.monotonicMs() + PASSED_BY_MS);
  }

  /** Hosts that a new object can do without. */
  slowHosts(): PeerId[] {
    const nowMs = this.clock.monotonicMs();
    for (const [peerId, untilMs] of this.slow) if (untilMs <= nowMs) this.slow.delete(peerId);
    return [...this.slow.keys()];
  }

  /** They are needed: there are too few others. */
  forgive(): void {
    this.slow.clear();
  }
}
