// Records what both ends say about transactions, and settles those that really happened (B19). Idempotent.
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { changeMany, placeholders } from '#database';
import { Clock } from '#process';
import {
  type PeerId,
  type Report,
  type SendReportsAnswer,
  type SendReportsRequest,
  type TransactionId,
} from '#protocol';
import type { Caller } from '../control/caller.js';
import { Ledger } from '../ledger/ledger.js';
import { purseOf, settleMovement, voidMovement } from '../ledger/movement.js';
import { markStored, markUnplaced } from '../objects/object-rows.js';
import { PeerDirectory } from '../peers/peer-directory.js';
import { OnlineHosts } from '../placement/online-hosts.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { checkReport, refusalCode, type TransactionReport } from './check-report.js';
import { type CheckedReport, decideReports, type ReportChanges } from './decide-reports.js';
import { countFailures, type Failure } from './peer-failures.js';
import { findTransactions, type Transaction } from './transaction-rows.js';

type Result = SendReportsAnswer['results'][number];

@Injectable()
export class RecordReports {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly settings: Settings,
    private readonly directory: PeerDirectory,
    private readonly hosts: OnlineHosts,
    private readonly ledger: Ledger,
  ) {}

  /** One result per report, in order: `recorded`, or why the broker will never take it. */
  async run(caller: Caller, request: SendReportsRequest): Promise<SendReportsAnswer> {
    const reporter = caller.peer.peerId;
    const ids = [...new Set(request.reports.flatMap((report) => transactionIdOf(report)))];
    // Signatures are checked before the unit: what they cover never changes, and the writer must not wait for them.
    const issued = await findTransactions(this.database.reads, ids);
    const results: Result[] = [];
    const checked: CheckedReport[] = [];
    const refusals: Failure[] = [];
    for (const report of request.reports) {
      if (report.outcome === 'refused') {
        refusals.push(this.refusalOf(reporter, report));
        results.push('recorded');
        continue;
      }
      try {
        checked.push(this.check(report, issued.get(report.transactionId), reporter));
        results.push('recorded');
      } catch (error) {
        results.push(refusalCode(error));
      }
    }
    if (checked.length === 0 && refusals.length === 0) return { results };

    const { changes, unpaid } = await this.database.write((db) => this.record(db, checked, refusals));
    this.updateHosts(changes);
    return {
      results: request.reports.map((report, i): Result => {
        const recorded = results[i]!;
        if (recorded !== 'recorded' || report.outcome === 'refused') return recorded;
        return unpaid.has(report.transactionId) ? 'credit_exceeded' : recorded;
      }),
    };
  }

  private check(report: TransactionReport, transaction: Transaction | undefined, reporter: PeerId): CheckedReport {
    const host = transaction === undefined ? undefined : this.directory.find(transaction.hostId);
    const verify = host === undefined ? () => false : this.directory.verifierOf(host);
    return checkReport(report, transaction, reporter, { verify, trustDomain: this.settings.trustDomain });
  }

  private async record(
    db: EntityManager,
    checked: readonly CheckedReport[],
    refusals: readonly Failure[],
  ): Promise<{ changes: ReportChanges; unpaid: ReadonlySet<TransactionId> }> {
    const nowMs = this.clock.nowMs();
    const ids = [...new Set(checked.map(({ transactionId }) => transactionId))];
    const changes = decideReports(await findTransactions(db, ids), checked);

    const receipted = changes.receipted.map(({ id }) => id);
    await updateTransactions(db, 'receipt_at_ms', nowMs, receipted);
    for (const [outcome, among] of byOutcome(changes.clientOutcomes)) {
      await updateTransactions(db, 'client_outcome', outcome, among);
    }
    for (const [outcome, among] of byOutcome(changes.hostOutcomes)) {
      await updateTransactions(db, 'host_outcome', outcome, among);
    }
    await this.voidFailed(db, changes.voided, nowMs);
    const unpaid = await this.settle(db, changes.settled, nowMs);
    const paidLate = changes.settled.filter(({ late, transaction }) => late && !unpaid.has(transaction.id));
    await this.markStored(db, [...changes.stored, ...paidLate.map(({ transaction }) => transaction)]);
    await countFailures(db, [...changes.failures, ...refusals], nowMs);
    return { changes, unpaid };
  }

  /** Returns those voided before that their client's credit no longer pays for. */
  private async settle(
    db: EntityManager,
    settled: ReportChanges['settled'],
    nowMs: number,
  ): Promise<ReadonlySet<TransactionId>> {
    const unpaid = new Set<TransactionId>();
    const movements = settled
      .filter(({ late, transaction }) => !late && transaction.op === 'put')
      .map(({ transaction }) => settlementOf(transaction, 'reserved'));
    await this.ledger.post(db, movements, nowMs);
    for (const { late, transaction } of settled) {
      if (!late || transaction.op !== 'put') continue;
      const available = await this.ledger.balanceOf(db, purseOf('available', transaction.clientAccountId));
      if (available < BigInt(transaction.sizeBytes)) unpaid.add(transaction.id);
      else await this.ledger.post(db, [settlementOf(transaction, 'available')], nowMs);
    }
    const paid = settled.map(({ transaction }) => transaction.id).filter((id) => !unpaid.has(id));
    await updateTransactions(db, 'state', 'settled', paid);
    return unpaid;
  }

  private async markStored(db: EntityManager, transactions: readonly Transaction[]): Promise<void> {
    const puts = transactions.filter(({ op }) => op === 'put');
    await markStored(db, {
      transactionIds: puts.map(({ id }) => id),
      objectIds: [...new Set(puts.map(({ objectId }) => objectId))],
    });
  }

  private async voidFailed(db: EntityManager, voided: readonly Transaction[], nowMs: number): Promise<void> {
    const ids = voided.map(({ id }) => id);
    await updateTransactions(db, 'state', 'void', ids);
    await markUnplaced(db, ids);
    const puts = voided.filter(({ op }) => op === 'put');
    await this.ledger.post(
      db,
      puts.map(({ id, clientAccountId, sizeBytes }) =>
        voidMovement({ transactionId: id, client: clientAccountId, sizeBytes }),
      ),
      nowMs,
    );
  }

  /** After the commit: what the hosts at hand have free. */
  private updateHosts({ receipted, voided }: ReportChanges): void {
    const held = (transaction: Transaction): boolean =>
      transaction.op === 'put' && transaction.state === 'issued' && !transaction.hasReceipt;
    const arrived = new Set(receipted);
    for (const transaction of new Set([...receipted, ...voided])) {
      if (held(transaction)) this.hosts.release(transaction.hostId, transaction.sizeBytes);
      if (arrived.has(transaction) && transaction.op === 'put') {
        this.hosts.fill(transaction.hostId, transaction.sizeBytes);
      }
    }
  }

  /** A refusal of a peer that is not enrolled is counted without its name, so that made-up names fill no table. */
  private refusalOf(reporter: PeerId, report: Extract<Report, { outcome: 'refused' }>): Failure {
    const clientId = this.directory.find(report.clientId) === undefined ? null : report.clientId;
    return { hostId: reporter, clientId, reporter: 'host', code: report.code, count: report.count };
  }
}

function transactionIdOf(report: Report): TransactionId[] {
  return report.outcome === 'refused' ? [] : [report.transactionId];
}

function settlementOf(put: Transaction, from: 'reserved' | 'available'): ReturnType<typeof settleMovement> {
  const { id: transactionId, clientAccountId: client, hostAccountId: host, sizeBytes } = put;
  return settleMovement({ transactionId, client, host, sizeBytes, from });
}

function byOutcome(outcomes: ReadonlyMap<TransactionId, string>): Map<string, TransactionId[]> {
  const groups = new Map<string, TransactionId[]>();
  for (const [id, outcome] of outcomes) {
    const group = groups.get(outcome);
    if (group === undefined) groups.set(outcome, [id]);
    else group.push(id);
  }
  return groups;
}

async function updateTransactions(
  db: EntityManager,
  column: 'receipt_at_ms' | 'client_outcome' | 'host_outcome' | 'state',
  value: string | number,
  ids: readonly TransactionId[],
): Promise<void> {
  if (ids.length === 0) return;
  await changeMany(db, `UPDATE transactions SET ${column} = $1 WHERE id IN ${placeholders(db, ids.length, 2)}`, [
    value,
    ...ids,
  ]);
}
