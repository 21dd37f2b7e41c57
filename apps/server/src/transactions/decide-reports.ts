// Decides what a batch of reports changes: which transactions have receipts, which are settled, which are void. Pure.
//
// What a shard of a put may be follows from who pays for it. It is stored while the put's reservation is held, or when
// the put is settled; so a receipt stores the shard of a live put only, and the client's word cannot void a put that
// has one. Otherwise a client could have its bytes kept and its credit back.
import type { PeerId, TransactionId } from '#protocol';
import { holdsReservation, type Transaction } from './transaction-rows.js';

/** A report whose sender and receipt have been checked. */
export interface CheckedReport {
  readonly transactionId: TransactionId;
  readonly from: 'client' | 'host';
  /** `done` carries a valid receipt of the host; anything else is the code of a failure, perhaps not of our catalogue. */
  readonly outcome: string;
}

export interface ReportChanges {
  /** Transactions that a valid receipt came for, for the first time. */
  readonly receipted: readonly Transaction[];
  /** Puts among them whose shards are stored by that. One that was void before stores nothing until it is paid. */
  readonly stored: readonly Transaction[];
  /** What each end has said, where that is new. */
  readonly clientOutcomes: ReadonlyMap<TransactionId, string>;
  readonly hostOutcomes: ReadonlyMap<TransactionId, string>;
  /** Puts and gets that both ends confirmed. `late` ones had been voided: their reservation is gone. */
  readonly settled: readonly { readonly transaction: Transaction; readonly late: boolean }[];
  /** The client says that it failed, and no receipt says otherwise: its reservation goes back at once. */
  readonly voided: readonly Transaction[];
  readonly failures: readonly { hostId: PeerId; clientId: PeerId; reporter: 'client' | 'host'; code: string }[];
}

/** Fold the reports over the transactions as they are; a report that says what is known changes nothing. */
export function decideReports(
  transactions: ReadonlyMap<TransactionId, Transaction>,
  reports: readonly CheckedReport[],
): ReportChanges {
  const clientOutcomes = new Map<TransactionId, string>();
  const hostOutcomes = new Map<TransactionId, string>();
  const receipted = new Map<TransactionId, Transaction>();
  const failures: ReportChanges['failures'][number][] = [];

  for (const { transactionId, from, outcome } of reports) {
    const transaction = transactions.get(transactionId);
    if (transaction === undefined) continue;
    if (outcome === 'done' && !transaction.hasReceipt) receipted.set(transactionId, transaction);
    const outcomes = from === 'client' ? clientOutcomes : hostOutcomes;
    const said =
      outcomes.get(transactionId) ?? (from === 'client' ? transaction.clientOutcome : transaction.hostOutcome);
    // A success may follow a failure (a retry worked); a failure after a success is only a lost answer.
    if (said === 'done' || said === outcome) continue;
    outcomes.set(transactionId, outcome);
    if (outcome !== 'done') {
      failures.push({ hostId: transaction.hostId, clientId: transaction.clientId, reporter: from, code: outcome });
    }
  }

  const settled: { transaction: Transaction; late: boolean }[] = [];
  const voided: Transaction[] = [];
  for (const transaction of transactions.values()) {
    const { id, state } = transaction;
    const clientOutcome = clientOutcomes.get(id) ?? transaction.clientOutcome;
    const hasReceipt = transaction.hasReceipt || receipted.has(id);
    if (state === 'settled' || clientOutcome === null) continue;
    if (clientOutcome === 'done' && hasReceipt) settled.push({ transaction, late: state === 'void' });
    else if (clientOutcome !== 'done' && !hasReceipt && state !== 'void') voided.push(transaction);
  }
  const stored = [...receipted.values()].filter(({ op, state }) => op === 'put' && holdsReservation(state));
  return { receipted: [...receipted.values()], stored, clientOutcomes, hostOutcomes, settled, voided, failures };
}
