// What a client's reports say about how fast its hosts are. Pure.
import type { PeerId, Report, SendReportsAnswer } from '#protocol';
import type { MeasuredTransfer } from '../reputation/decide-speed.js';
import type { Transaction } from './transaction-rows.js';

/**
 * Of whole shards only, and by the client alone: a host would tell of itself what it likes.
 *
 * results   what became of the reports, in their order
 * issued    all parts of the transactions that they name
 */
export function measuredTransfers(
  client: PeerId,
  reports: readonly Report[],
  results: SendReportsAnswer['results'],
  issued: readonly Transaction[],
): (MeasuredTransfer & { readonly hostId: PeerId })[] {
  const partsOf = new Map<string, Transaction[]>();
  for (const part of issued) partsOf.set(part.id, [...(partsOf.get(part.id) ?? []), part]);
  return reports.flatMap((report, i) => {
    if (report.outcome !== 'done' || report.tookMs === undefined || results[i] !== 'recorded') return [];
    const [part, another] = partsOf.get(report.transactionId) ?? [];
    if (part === undefined || another !== undefined || part.clientId !== client) return [];
    // A host of the same account would be praised by its owner.
    if (part.clientAccountId === part.hostAccountId || (part.op !== 'put' && part.op !== 'get')) return [];
    return [{ hostId: part.hostId, bytes: part.sizeBytes, tookMs: report.tookMs }];
  });
}
