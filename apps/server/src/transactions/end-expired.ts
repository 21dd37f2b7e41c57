// Ends transactions that nobody reported on in time: what never completed gives its reservation back.
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { changeMany, placeholders } from '#database';
import { Clock, Log } from '#process';
import { Ledger } from '../ledger/ledger.js';
import { voidMovement } from '../ledger/movement.js';
import { VOIDED_AT_ONCE_MAX } from '../limits.js';
import { markUnplaced } from '../objects/object-rows.js';
import { OnlineHosts } from '../placement/online-hosts.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { forgetOldFailures } from './peer-failures.js';
import { findExpired, type Transaction, type TransactionState } from './transaction-rows.js';

@Injectable()
export class EndExpired {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly settings: Settings,
    private readonly hosts: OnlineHosts,
    private readonly ledger: Ledger,
  ) {}

  async run(): Promise<void> {
    const nowMs = this.clock.nowMs();
    let ended: readonly Transaction[];
    do {
      ended = await this.database.write((db) => this.endSome(db, nowMs));
      const puts = ended.filter(({ op, hasReceipt }) => op === 'put' && !hasReceipt);
      for (const { hostId, sizeBytes } of puts) this.hosts.release(hostId, sizeBytes);
      if (ended.length > 0) this.log.info({ event: 'transactions_ended', transactions: ended.length });
    } while (ended.length === VOIDED_AT_ONCE_MAX);
    await this.database.write((db) => forgetOldFailures(db, nowMs));
  }

  private async endSome(db: EntityManager, nowMs: number): Promise<readonly Transaction[]> {
    const beforeMs = nowMs - this.settings.policy.reportGraceMs;
    const expired = await findExpired(db, { beforeMs, limit: VOIDED_AT_ONCE_MAX });
    // With a receipt the bytes are there: a client that keeps silent does not get its credit back for them.
    const unconfirmed = expired.filter(({ op, hasReceipt }) => op === 'put' && hasReceipt);
    const voided = expired.filter((transaction) => !unconfirmed.includes(transaction));
    await moveTo(db, 'unconfirmed', unconfirmed);
    await moveTo(db, 'void', voided);
    const puts = voided.filter(({ op }) => op === 'put');
    await markUnplaced(
      db,
      puts.map(({ id }) => id),
    );
    await this.ledger.post(
      db,
      puts.map(({ id, clientAccountId, sizeBytes }) =>
        voidMovement({ transactionId: id, client: clientAccountId, sizeBytes }),
      ),
      nowMs,
    );
    return expired;
  }
}

async function moveTo(db: EntityManager, state: TransactionState, transactions: readonly Transaction[]): Promise<void> {
  if (transactions.length === 0) return;
  await changeMany(db, `UPDATE transactions SET state = $1 WHERE id IN ${placeholders(db, transactions.length, 2)}`, [
    state,
    ...transactions.map(({ id }) => id),
  ]);
}
