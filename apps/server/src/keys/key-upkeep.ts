// What the broker does by itself about keys: fills the pool, writes counts down, notices what its operator changed beside it,
// and replaces the key-encryption key when that was asked for.
import { type Clock, type Log, Periodic } from '#process';
import { CHANGES_INTERVAL_MS, KEY_UPKEEP_MS } from '../limits.js';
import type { PeerChanges } from '../peers/peer-changes.js';
import type { KeyPool } from './key-pool.js';
import { KeyRotations } from './key-rotations.js';
import type { RotationParts } from './rotate-key.js';
import type { TransactionCounts } from './transaction-counts.js';

export interface KeyUpkeepParts extends RotationParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly pool: KeyPool;
  readonly counts: TransactionCounts;
  readonly peerChanges: PeerChanges;
}

export class KeyUpkeep {
  private readonly rotations: KeyRotations;
  private readonly loops: Readonly<Record<'keys' | 'changes' | 'rotations', Periodic>>;

  constructor(private readonly parts: KeyUpkeepParts) {
    const { clock, pool, counts, peerChanges } = parts;
    this.rotations = new KeyRotations({ ...parts, nowMs: () => clock.nowMs() });
    this.loops = {
      keys: this.loop('keys', KEY_UPKEEP_MS, async () => {
        await pool.refill();
        await counts.writeAll();
      }),
      changes: this.loop('peer-changes', CHANGES_INTERVAL_MS, () => peerChanges.notice()),
      // Apart from the others: a rotation takes long, and revocations do not wait for it.
      rotations: this.loop('key-rotations', CHANGES_INTERVAL_MS, () => this.rotations.run()),
    };
  }

  /** Fill the pool and begin. */
  async start(): Promise<void> {
    await this.parts.pool.refill();
    for (const loop of Object.values(this.loops)) loop.start();
  }

  /** Notice now what another process changed. */
  async noticeChanges(): Promise<void> {
    await this.loops.changes.trigger();
    await this.loops.rotations.trigger();
  }

  async writeCounts(): Promise<void> {
    await this.loops.keys.trigger();
  }

  /** writeCounts: the last of them, in a stop that is none in a crash */
  async stop({ writeCounts }: { readonly writeCounts: boolean }): Promise<void> {
    this.rotations.stop();
    await Promise.all(Object.values(this.loops).map((loop) => loop.stop()));
    if (writeCounts) await this.parts.counts.writeAll();
  }

  private loop(name: string, intervalMs: number, run: () => Promise<void>): Periodic {
    const { clock, log } = this.parts;
    return new Periodic({ name, clock, log, intervalMs: () => intervalMs, run });
  }
}
