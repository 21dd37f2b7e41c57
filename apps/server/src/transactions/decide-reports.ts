// Decides what a batch of reports changes: which transactions have receipts, which are settled, which are void. Pure.
//
// What a shard of a put may be follows from who pays for it. It is stored while the put's reservation is held, or when
// the put is settled; so a receipt stores the shard of a live put only. The client's word alone voids no put: its token
// is good at the host until it expires, and a put that is denied first and done afterwards would be kept for nothing.
// The host's word does: it gives a failure, or a receipt with a failed item, when it has burned the token.
import type { PeerId, Requester } from '#protocol';
import { holdsReservation, keyOf, type PartKey, type Transaction } from './transaction-rows.js';

/** What a report says about one part, when its sender and its receipt have been checked. */
export interface CheckedReport {
  readonly part: PartKey;
  readonly from: 'client' | 'host';
  /** `done`; anything else is the code of a failure, perhaps not of our catalogue. */
  readonly outcome: string;
  /** Stands in a valid receipt of the host; `done` always does. */
  readonly inReceipt: boolean;
  /** Of a stream: what its token has moved and how often, as this receipt says. */
  readonly moved?: { readonly uses: number; readonly bytes: number };
}

export interface ReportChanges {
  /** Transactions that a valid receipt came for, for the first time. */
  readonly receipted: readonly Transaction[];
  /** Puts among them whose shards are stored by that. One that was void before stores nothing until it is paid. */
  readonly stored: readonly Transaction[];
  /** Deletions whose host has the shard no more. */
  readonly forgotten: readonly Transaction[];
  /** What each end has said, where that is new. */
  readonly clientOutcomes: ReadonlyMap<PartKey, string>;
  readonly hostOutcomes: ReadonlyMap<PartKey, string>;
  /** Transactions that both ends confirmed. `late` ones had been voided: their reservation is gone. */
  readonly settled: readonly { readonly transaction: Transaction; readonly late: boolean }[];
  /** Failed, and no receipt says otherwise. Of puts, by the host's word alone: the reservation goes back at once. */
  readonly voided: readonly Transaction[];
  /** Streams that have moved more than was known. */
  readonly moved: readonly { readonly transaction: Transaction; readonly uses: number; readonly bytes: number }[];
  readonly failures: readonly {
    hostId: PeerId;
    clientId: Requester;
    op: Transaction['op'];
    reporter: 'client' | 'host';
    code: string;
  }[];
}

/** Fold the reports over the transactions as they are; a report that says what is known changes nothing. */
export function decideReports(
  transactions: ReadonlyMap<PartKey, Transaction>,
  reports: readonly CheckedReport[],
): ReportChanges {
  const clientOutcomes = new Map<PartKey, string>();
  const hostOutcomes = new Map<PartKey, string>();
  const receipted = new Map<PartKey, Transaction>();
  const denied = new Set<PartKey>();
  const absent = new Set<PartKey>();
  const moved = new Map<PartKey, { transaction: Transaction; uses: number; bytes: number }>();
  const failures: ReportChanges['failures'][number][] = [];

  for (const { part, from, outcome, inReceipt, moved: total } of reports) {
    const transaction = transactions.get(part);
    if (transaction === undefined) continue;
    if (outcome === 'done' && !transaction.hasReceipt) receipted.set(part, transaction);
    if (outcome !== 'done' && inReceipt) denied.add(part);
    if (outcome === 'shard_unknown' && (inReceipt || from === 'host')) absent.add(part);
    if (total !== undefined) {
      const known = moved.get(part) ?? { uses: transaction.uses, bytes: transaction.movedBytes };
      if (total.uses > known.uses)
        moved.set(part, { transaction, uses: total.uses, bytes: Math.max(total.bytes, known.bytes) });
    }
    const outcomes = from === 'client' ? clientOutcomes : hostOutcomes;
    const said = outcomes.get(part) ?? (from === 'client' ? transaction.clientOutcome : transaction.hostOutcome);
    // A success may follow a failure (a retry worked); a failure after a success is only a lost answer.
    if (said === 'done' || said === outcome) continue;
    outcomes.set(part, outcome);
    if (outcome !== 'done') {
      const { hostId, clientId, op } = transaction;
      failures.push({ hostId, clientId, op, reporter: from, code: outcome });
    }
  }

  const settled: { transaction: Transaction; late: boolean }[] = [];
  const voided: Transaction[] = [];
  for (const [part, transaction] of transactions) {
    const { state } = transaction;
    if (state === 'settled' || isOfSeveralUses(transaction)) continue;
    const clientOutcome = clientOutcomes.get(part) ?? transaction.clientOutcome;
    const hasReceipt = transaction.hasReceipt || receipted.has(part);
    if (clientOutcome === 'done' && hasReceipt) settled.push({ transaction, late: state === 'void' });
    else if (state === 'void' || hasReceipt) continue;
    else if (denied.has(part)) voided.push(transaction);
    else {
      const outcome = transaction.op === 'put' ? (hostOutcomes.get(part) ?? transaction.hostOutcome) : clientOutcome;
      if (outcome !== null && outcome !== 'done') voided.push(transaction);
    }
  }
  return {
    receipted: [...receipted.values()],
    stored: [...receipted.values()].filter(({ op, state }) => op === 'put' && holdsReservation(state)),
    forgotten: [...transactions.values()].filter(
      (transaction) =>
        transaction.op === 'delete' && (receipted.has(keyOf(transaction)) || absent.has(keyOf(transaction))),
    ),
    clientOutcomes,
    hostOutcomes,
    settled,
    voided,
    moved: [...moved.values()],
    failures,
  };
}

/** A stream, universal or offline token goes on after a report; it ends by its time alone. */
export function isOfSeveralUses({ op, isUse }: Pick<Transaction, 'op' | 'isUse'>): boolean {
  return !isUse && (op === 'stream' || op === 'universal' || op === 'offline');
}
