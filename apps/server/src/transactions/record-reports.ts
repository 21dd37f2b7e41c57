// Records what both ends say about transactions, and settles those that really happened (B19). Idempotent.
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { insertRows } from '#database';
import { Clock, Log } from '#process';
import {
  type ErrorCode,
  type PeerId,
  type Report,
  type SendReportsAnswer,
  type SendReportsRequest,
  TOKEN_LIFE_MS_MAX,
  type TransactionId,
  uuidV7TimeMs,
} from '#protocol';
import type { Caller } from '../control/caller.js';
import { Ledger } from '../ledger/ledger.js';
import { purseOf } from '../ledger/movement.js';
import { REPORTED_ROWS_PER_UNIT_MAX } from '../limits.js';
import { BrokerMetrics } from '../metrics/broker-metrics.js';
import { PeerDirectory } from '../peers/peer-directory.js';
import { OnlineHosts } from '../placement/online-hosts.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { countFailures, type Failure } from '../refusals/peer-failures.js';
import { RefusalCounts } from '../refusals/refusal-counts.js';
import { HostReputation } from '../reputation/host-reputation.js';
import { checkReport, type ReportContext, refusalCode, type TransactionReport } from './check-report.js';
import { type CheckedReport, decideReports, type ReportChanges } from './decide-reports.js';
import { measuredTransfers } from './measured-transfers.js';
import { allGivenBack, settlementOf } from './movements.js';
import { type PreparedUses, RecordUses, type UseReport } from './record-uses.js';
import { ShardCharges } from './shard-charges.js';
import { forgetShards, markStored, markUnplaced } from './shard-places.js';
import {
  findParts,
  findTransactions,
  keyOf,
  type Part,
  type PartKey,
  type Transaction,
  updateMoved,
  updateParts,
} from './transaction-rows.js';

type Result = SendReportsAnswer['results'][number];

/** What the reports of one request say, checked against the transactions as they were issued. */
interface CheckedRequest {
  readonly results: Result[];
  readonly checked: readonly { readonly index: number; readonly report: CheckedReport }[];
  readonly parts: readonly Part[];
  readonly uses: readonly UseReport[];
  readonly refusals: readonly Failure[];
}

@Injectable()
export class RecordReports {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly settings: Settings,
    private readonly directory: PeerDirectory,
    private readonly hosts: OnlineHosts,
    private readonly ledger: Ledger,
    private readonly charges: ShardCharges,
    private readonly recordUses: RecordUses,
    private readonly refusalCounts: RefusalCounts,
    private readonly reputation: HostReputation,
    private readonly metrics: BrokerMetrics,
  ) {}

  /** One result per report, in order: `recorded`, or why the broker will never take it. */
  async run(caller: Caller, request: SendReportsRequest): Promise<SendReportsAnswer> {
    const reporter = caller.peer.peerId;
    const results = await this.recordAll(reporter, request.reports);
    this.noteRefused(reporter, request.reports, results);
    return { results };
  }

  private async recordAll(reporter: PeerId, reports: readonly Report[]): Promise<Result[]> {
    const ids = [...new Set(reports.flatMap((report) => transactionIdOf(report)))];
    // Signatures are checked before the unit: what they cover never changes, and the writer must not wait for them.
    const issued = await findTransactions(this.database.reads, ids, REPORTED_ROWS_PER_UNIT_MAX + 1);
    if (issued.length > REPORTED_ROWS_PER_UNIT_MAX && reports.length > 1) {
      const half = reports.length >> 1;
      const first = await this.recordAll(reporter, reports.slice(0, half));
      return [...first, ...(await this.recordAll(reporter, reports.slice(half)))];
    }
    const request = this.check(reporter, reports, issued);
    const { results, checked, uses, refusals } = request;
    if (checked.length + uses.length + refusals.length === 0) return results;
    const { changes, refused } = await this.database.write((db) => this.record(db, request));
    this.updateHosts(changes);
    for (const { transaction } of changes.settled) this.metrics.ended.inc({ op: transaction.op, end: 'settled' });
    for (const { op } of changes.voided) this.metrics.ended.inc({ op, end: 'void' });
    const ended = results.map((result, i) => refused.get(i) ?? result);
    for (const { hostId, ...transfer } of measuredTransfers(reporter, reports, ended, issued)) {
      this.reputation.noteTransfer(hostId, transfer);
    }
    return ended;
  }

  private check(reporter: PeerId, reports: readonly Report[], issued: readonly Transaction[]): CheckedRequest {
    const rowsOf = new Map<TransactionId, Transaction[]>();
    for (const row of issued) {
      const rows = rowsOf.get(row.id);
      if (rows === undefined) rowsOf.set(row.id, [row]);
      else rows.push(row);
    }
    const context = this.contextOf(reporter);
    const checked: { index: number; report: CheckedReport }[] = [];
    const named = new Set<TransactionId>();
    const uses: UseReport[] = [];
    const refusals: Failure[] = [];
    const checkOne = (report: TransactionReport, index: number): Result => {
      const rows = rowsOf.get(report.transactionId) ?? [];
      try {
        const about = checkReport(report, rows, context);
        for (const part of about.parts) checked.push({ index, report: part });
        if (about.use !== null) uses.push({ index, reported: about.use });
        named.add(report.transactionId);
        return 'recorded';
      } catch (error) {
        const code = refusalCode(error);
        return code === 'transaction_unknown' && this.isPast(report.transactionId, context) ? 'report_too_late' : code;
      }
    };
    const failed = new Map<string, Result>();
    const results = reports.map((report, index): Result => {
      if (report.outcome === 'refused') {
        refusals.push(this.refusalOf(reporter, report));
        return 'recorded';
      }
      if (report.outcome === 'done') return checkOne(report, index);
      // One failure speaks for thousands of parts: the next about the same ones is answered alike, and not gone through.
      const about = `${report.transactionId} ${report.hostId ?? ''}`;
      const result = failed.get(about) ?? checkOne(report, index);
      failed.set(about, result);
      return result;
    });
    // Once for each transaction, however many reports name it.
    const parts = issued.filter(({ id }) => named.has(id));
    return { results, checked, parts, uses, refusals };
  }

  private contextOf(reporter: PeerId): ReportContext {
    const { reportGraceMs, reportWindowMs } = this.settings.policy;
    return {
      reporter,
      trustDomain: this.settings.trustDomain,
      nowMs: this.clock.nowMs(),
      takenForMs: reportGraceMs + reportWindowMs,
      verifierOf: (hostId) => {
        const host = this.directory.find(hostId);
        return host === undefined ? () => false : this.directory.verifierOf(host);
      },
    };
  }

  /** Could this transaction, of which nothing is known, have been issued so long ago that it has been summed up? */
  private isPast(id: TransactionId, { nowMs, takenForMs }: ReportContext): boolean {
    return nowMs >= uuidV7TimeMs(id) + TOKEN_LIFE_MS_MAX + takenForMs;
  }

  private async record(
    db: EntityManager,
    { checked, parts, uses, refusals }: CheckedRequest,
  ): Promise<{ changes: ReportChanges; refused: ReadonlyMap<number, ErrorCode> }> {
    const nowMs = this.clock.nowMs();
    const prepared = await this.recordUses.prepare(db, uses, nowMs);
    const known = new Map<PartKey, Transaction>();
    for (const transaction of [...(await findParts(db, parts)), ...prepared.transactions]) {
      known.set(keyOf(transaction), transaction);
    }
    const changes = decideReports(known, [...checked.map(({ report }) => report), ...prepared.reports]);

    await updateParts(db, 'receipt_at_ms', nowMs, changes.receipted);
    for (const [outcome, among] of byOutcome(changes.clientOutcomes, known)) {
      await updateParts(db, 'client_outcome', outcome, among);
    }
    for (const [outcome, among] of byOutcome(changes.hostOutcomes, known)) {
      await updateParts(db, 'host_outcome', outcome, among);
    }
    for (const { transaction, ...moved } of changes.moved) await updateMoved(db, transaction, moved);
    await this.voidFailed(db, changes.voided, nowMs);
    const unpaid = await this.settle(db, changes.settled, nowMs);
    await this.place(db, changes, prepared, { unpaid, nowMs });
    await forgetShards(db, changes.forgotten, { charges: this.charges, nowMs });
    await countFailures(db, [...changes.failures, ...refusals], nowMs);

    const refused = new Map<number, ErrorCode>(prepared.refused);
    for (const { index, report } of checked) if (unpaid.has(report.part)) refused.set(index, 'credit_exceeded');
    for (const { index, reported } of uses) {
      const part = keyOf({ ...reported.token, item: reported.use });
      if (unpaid.has(part)) refused.set(index, 'credit_exceeded');
    }
    return { changes, refused };
  }

  /** Returns those voided before that their client's credit no longer pays for. */
  private async settle(
    db: EntityManager,
    settled: ReportChanges['settled'],
    nowMs: number,
  ): Promise<ReadonlySet<PartKey>> {
    const unpaid = new Set<PartKey>();
    const movements = settled
      .filter(({ late, transaction }) => !late && transaction.op === 'put' && transaction.charge > 0)
      .map(({ transaction }) => settlementOf(transaction, 'reserved'));
    await this.ledger.post(db, movements, nowMs);
    for (const { late, transaction } of settled) {
      if (!late || transaction.op !== 'put' || transaction.clientAccountId === null || transaction.charge === 0)
        continue;
      const available = await this.ledger.balanceOf(db, purseOf('available', transaction.clientAccountId));
      if (available < BigInt(transaction.charge)) unpaid.add(keyOf(transaction));
      else await this.ledger.post(db, [settlementOf(transaction, 'available')], nowMs);
    }
    const paid = settled.map(({ transaction }) => transaction).filter((transaction) => !unpaid.has(keyOf(transaction)));
    await updateParts(db, 'state', 'settled', paid);
    return unpaid;
  }

  /** Where shards and contents of groups are: what receipts of live puts stored, and what was paid for late. */
  private async place(
    db: EntityManager,
    { stored, settled }: ReportChanges,
    prepared: PreparedUses,
    { unpaid, nowMs }: { readonly unpaid: ReadonlySet<PartKey>; readonly nowMs: number },
  ): Promise<void> {
    const paid = settled
      .filter(({ transaction }) => transaction.op === 'put' && !unpaid.has(keyOf(transaction)))
      .map(({ transaction }) => transaction);
    const uses = await this.recordUses.placeShards(db, prepared, paid);
    const late = new Set(settled.filter(({ late }) => late).map(({ transaction }) => transaction));
    const placed = [...stored, ...uses, ...paid.filter((put) => late.has(put) && !put.isUse)];
    await markStored(db, placed, { charges: this.charges, nowMs });
    await insertRows(
      db,
      {
        table: 'group_contents',
        columns: ['group_id', 'host_id', 'cid', 'size_bytes', 'account_id'],
        onConflict: 'skip',
      },
      placed
        .filter(({ groupId }) => groupId !== null)
        .map(({ groupId, hostId, cid, sizeBytes, clientAccountId }) => [
          groupId,
          hostId,
          cid,
          sizeBytes,
          clientAccountId,
        ]),
    );
    await this.charges.chargeShards(db, paid, nowMs);
  }

  private async voidFailed(db: EntityManager, voided: readonly Transaction[], nowMs: number): Promise<void> {
    await updateParts(db, 'state', 'void', voided);
    await markUnplaced(
      db,
      voided.filter(({ op }) => op === 'put'),
      { charges: this.charges, nowMs },
    );
    await this.ledger.post(db, allGivenBack(voided), nowMs);
  }

  /** After the commit: what the hosts at hand have free. */
  private updateHosts({ receipted, voided }: ReportChanges): void {
    const held = (transaction: Transaction): boolean =>
      transaction.op === 'put' && !transaction.isUse && transaction.state === 'issued' && !transaction.hasReceipt;
    const arrived = new Set(receipted);
    for (const transaction of new Set([...receipted, ...voided])) {
      if (held(transaction)) this.hosts.release(transaction.hostId, transaction.sizeBytes);
      if (arrived.has(transaction) && transaction.op === 'put') {
        this.hosts.fill(transaction.hostId, transaction.sizeBytes);
      }
    }
  }

  /** Reports that were refused, for the operator to see; a receipt of what was never issued is an alarm (trap 9). */
  private noteRefused(reporter: PeerId, reports: readonly Report[], results: readonly Result[]): void {
    const nowMs = this.clock.nowMs();
    const unknown: TransactionId[] = [];
    for (const [i, report] of reports.entries()) {
      const code = results[i]!;
      if (code === 'recorded' || report.outcome === 'refused') continue;
      this.refusalCounts.add([{ hostId: null, clientId: reporter, reporter: 'broker', op: 'report', code }], nowMs);
      if (code === 'transaction_unknown' && report.outcome === 'done') unknown.push(report.transactionId);
    }
    // One line however many: they are counted, and a peer that makes receipts up must not fill the log.
    if (unknown.length > 0) {
      const [transactionId] = unknown;
      this.log.error({ event: 'alarm_unknown_receipt', reporter, transactionId, receipts: unknown.length });
    }
  }

  /** A refusal of a peer that is not enrolled is counted without its name, so that made-up names fill no table. */
  private refusalOf(reporter: PeerId, report: Extract<Report, { outcome: 'refused' }>): Failure {
    const clientId = this.directory.find(report.clientId) === undefined ? null : report.clientId;
    return { hostId: reporter, clientId, reporter: 'host', op: '', code: report.code, count: report.count };
  }
}

function transactionIdOf(report: Report): TransactionId[] {
  return report.outcome === 'refused' ? [] : [report.transactionId];
}

function byOutcome(
  outcomes: ReadonlyMap<PartKey, string>,
  known: ReadonlyMap<PartKey, Transaction>,
): Map<string, Transaction[]> {
  const groups = new Map<string, Transaction[]>();
  for (const [key, outcome] of outcomes) {
    const transaction = known.get(key)!;
    const group = groups.get(outcome);
    if (group === undefined) groups.set(outcome, [transaction]);
    else group.push(transaction);
  }
  return groups;
}
