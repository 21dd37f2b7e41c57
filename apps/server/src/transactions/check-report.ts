// Checks one report before it may change anything: is the sender a party to it, and is the receipt the host's (trap 9)?
import { decodeReceipt, isRefusal, type PeerId, ProtocolError, type Report, type VerifyBytes } from '#protocol';
import type { CheckedReport } from './decide-reports.js';
import type { Transaction } from './transaction-rows.js';

export type TransactionReport = Exclude<Report, { outcome: 'refused' }>;

/**
 * Pure.
 *
 * transaction  as the broker issued it; undefined when it did not
 * reporter     who signed the message
 * host         how to check the host's signature, and this broker's trust domain
 * throws       transaction_unknown (also for a transaction of other peers) | receipt_invalid | receipt_mismatch
 */
export function checkReport(
  report: TransactionReport,
  transaction: Transaction | undefined,
  reporter: PeerId,
  host: { verify: VerifyBytes; trustDomain: string },
): CheckedReport {
  if (transaction === undefined) throw new ProtocolError('transaction_unknown');
  const from = transaction.clientId === reporter ? 'client' : transaction.hostId === reporter ? 'host' : null;
  if (from === null) throw new ProtocolError('transaction_unknown');
  if (report.outcome === 'failed') return { transactionId: transaction.id, from, outcome: report.code };

  const receipt = decodeReceipt(report.receipt, host.verify);
  const [item] = receipt.items;
  const matches =
    receipt.trustDomain === host.trustDomain &&
    receipt.transactionId === transaction.id &&
    receipt.op === transaction.op &&
    receipt.hostId === transaction.hostId &&
    receipt.clientId === transaction.clientId &&
    item.cid === transaction.cid &&
    item.sizeBytes === transaction.sizeBytes &&
    item.result === (transaction.op === 'put' ? 'stored' : 'served');
  if (!matches) throw new ProtocolError('receipt_mismatch');
  return { transactionId: transaction.id, from, outcome: 'done' };
}

/** The refusal that a check ended in, as the result of that report alone; other errors pass on. */
export function refusalCode(error: unknown): ProtocolError['code'] {
  if (!isRefusal(error)) throw error;
  return error.code;
}
