// How long recoveries have waited: counted by the monotonic clock while the broker runs, so that neither a clock that is
// set forward nor a broker that is switched off, and can be told nothing, shortens what an owner has to object.
import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { changeMany } from '#database';
import { Clock } from '#process';
import { BrokerDatabase } from '../platform/broker-database.js';
import { type EscrowRecoveryEntity } from './escrow-recovery.entity.js';

type Counted = Pick<EscrowRecoveryEntity, 'waitMs' | 'waitedMs' | 'countedBy' | 'countedAtMs'>;

@Injectable()
export class WaitingTime {
  /** This run of the broker: monotonic times of another mean nothing here. */
  private readonly run = randomUUID();

  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
  ) {}

  /** The columns of a recovery that begins to wait. */
  begin(waitMs: number): Counted {
    return { waitMs, waitedMs: 0, countedBy: this.run, countedAtMs: this.monotonicMs() };
  }

  /** What is left of the wait; 0 when it is over. */
  remainingMs({ waitMs, waitedMs, countedBy, countedAtMs }: Counted): number {
    const sinceMs = countedBy === this.run ? Math.max(0, this.monotonicMs() - countedAtMs) : 0;
    return Math.max(0, waitMs - waitedMs - sinceMs);
  }

  /** Write down what has passed. What a crash loses since the last time is waited for once more. */
  async count(db: EntityManager): Promise<void> {
    const atMs = this.monotonicMs();
    await changeMany(
      db,
      `UPDATE escrow_recoveries SET waited_ms = waited_ms + CASE WHEN counted_by = $1 THEN $2 - counted_at_ms ELSE 0 END,
         counted_by = $3, counted_at_ms = $4 WHERE state = 'waiting'`,
      [this.run, atMs, this.run, atMs],
    );
  }

  /** The periodic job: also begins to count, in this run, those that waited in another. */
  async countAll(): Promise<void> {
    const waiting = await this.database.reads.query<unknown[]>(
      "SELECT 1 FROM escrow_recoveries WHERE state = 'waiting' LIMIT 1",
    );
    if (waiting.length > 0) await this.database.write((db) => this.count(db));
  }

  private monotonicMs(): number {
    return Math.floor(this.clock.monotonicMs());
  }
}
