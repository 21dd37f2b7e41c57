// Ends transactions that nobody reported on in time: what never completed gives its reservation back.
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock, Log } from '#process';
import { Ledger } from '../ledger/ledger.js';
import type { Movement } from '../ledger/movement.js';
import { VOIDED_AT_ONCE_MAX } from '../limits.js';
import { BrokerMetrics } from '../metrics/broker-metrics.js';
import { OnlineHosts } from '../placement/online-hosts.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { forgetOldFailures } from '../refusals/peer-failures.js';
import { RefusalCounts } from '../refusals/refusal-counts.js';
import { decideEnd } from './decide-end.js';
import { allGivenBack, givenBack } from './movements.js';
import { RollUp } from './roll-up.js';
import { ShardCharges } from './shard-charges.js';
import { markUnplaced } from './shard-places.js';
import { findEnded, sumOfPutUses, type Transaction, type TransactionState, updateParts } from './transaction-rows.js';

@Injectable()
export class EndExpired {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly settings: Settings,
    private readonly hosts: OnlineHosts,
    private readonly ledger: Ledger,
    private readonly charges: ShardCharges,
    private readonly rollUp: RollUp,
    private readonly refusals: RefusalCounts,
    private readonly metrics: BrokerMetrics,
  ) {}

  async run(): Promise<void> {
    const nowMs = this.clock.nowMs();
    let ended: readonly Transaction[];
    do {
      ended = await this.database.write((db) => this.endSome(db, nowMs));
      const puts = ended.filter(({ op, hasReceipt, isUse }) => op === 'put' && !hasReceipt && !isUse);
      for (const { hostId, sizeBytes } of puts) this.hosts.release(hostId, sizeBytes);
      for (const transaction of ended) {
        this.metrics.ended.inc({ op: transaction.op, end: decideEnd(transaction) });
      }
      if (ended.length > 0) this.log.info({ event: 'transactions_ended', transactions: ended.length });
    } while (ended.length === VOIDED_AT_ONCE_MAX);
    await this.refusals.write();
    await this.database.write((db) => forgetOldFailures(db, nowMs));
    await this.rollUp.run();
  }

  private async endSome(db: EntityManager, nowMs: number): Promise<readonly Transaction[]> {
    const beforeMs = nowMs - this.settings.policy.reportGraceMs;
    const expired = await findEnded(db, { state: 'issued', beforeMs, limit: VOIDED_AT_ONCE_MAX });
    const endingAs = (state: TransactionState): Transaction[] =>
      expired.filter((transaction) => decideEnd(transaction) === state);
    const voided = endingAs('void');
    await updateParts(db, 'state', 'unconfirmed', endingAs('unconfirmed'));
    await updateParts(db, 'state', 'settled', endingAs('settled'));
    await updateParts(db, 'state', 'void', voided);
    await markUnplaced(
      db,
      voided.filter(({ op }) => op === 'put'),
      { charges: this.charges, nowMs },
    );
    const movements: Movement[] = allGivenBack(voided.filter(({ op }) => op !== 'universal'));
    for (const token of expired.filter(({ op }) => op === 'universal'))
      movements.push(...(await this.restOf(db, token)));
    await this.ledger.post(db, movements, nowMs);
    return expired;
  }

  /** What was set aside for a universal token and is not needed for its puts. */
  private async restOf(db: EntityManager, token: Transaction): Promise<Movement[]> {
    const rest = token.charge - (await sumOfPutUses(db, token));
    return rest > 0 ? [givenBack(token, rest)] : [];
  }
}
