// Checks one report before it may change anything: is the sender a party to it, is it in time, and is the receipt the
// host's (trap 9)?
import {
  decodeReceipt,
  isRefusal,
  type PeerId,
  ProtocolError,
  RECEIPT_RESULTS,
  type ReceiptClaims,
  type Report,
  type UniversalObject,
  type VerifyBytes,
} from '#protocol';
import type { CheckedReport } from './decide-reports.js';
import type { ReportedUse } from './decide-uses.js';
import { keyOf, type Transaction } from './transaction-rows.js';

export type TransactionReport = Exclude<Report, { outcome: 'refused' }>;

export interface ReportContext {
  /** Who signed the message. */
  readonly reporter: PeerId;
  readonly verifierOf: (hostId: PeerId) => VerifyBytes;
  readonly trustDomain: string;
  readonly nowMs: number;
  /** So long after the end of its token a report changes nothing any more. */
  readonly takenForMs: number;
}

/** What a report says about each part of its transaction; about a use of a universal token, nothing of the token's own. */
export interface Checked {
  readonly parts: readonly CheckedReport[];
  readonly use: ReportedUse | null;
}

/**
 * Pure.
 *
 * rows     the parts of the transaction as the broker issued it, in the order of its token; none when it did not
 * throws   transaction_unknown (also for a transaction of other peers) | report_too_late | request_invalid |
 *          receipt_invalid | receipt_mismatch
 */
export function checkReport(report: TransactionReport, rows: readonly Transaction[], context: ReportContext): Checked {
  const { reporter, nowMs } = context;
  const [first] = rows;
  if (first === undefined) throw new ProtocolError('transaction_unknown');
  const from = first.clientId === reporter ? 'client' : 'host';
  const own = from === 'client' ? rows : rows.filter(({ hostId }) => hostId === reporter);
  if (own.length === 0) throw new ProtocolError('transaction_unknown');
  if (own.every(({ expiresAtMs }) => nowMs >= expiresAtMs + context.takenForMs))
    throw new ProtocolError('report_too_late');
  if (report.outcome === 'failed') return { parts: failed(report, own, from), use: null };

  const receipt = readReceipt(report.receipt, own, context);
  const atHost = own.filter(({ hostId }) => hostId === receipt.hostId);
  const [row] = atHost;
  if (row === undefined || !isOf(receipt, row, context)) throw new ProtocolError('receipt_mismatch');
  if (row.op === 'offline' && receipt.op !== 'get') throw new ProtocolError('receipt_mismatch');
  if (row.op === 'universal' || row.op === 'offline')
    return { parts: [], use: useOf(row, receipt, from, report.object ?? null) };
  if (row.op === 'stream') return { parts: [streamed(row, receipt, from)], use: null };
  return { parts: itemResults(atHost, receipt, from), use: null };
}

function failed(
  report: TransactionReport & { outcome: 'failed' },
  own: readonly Transaction[],
  from: CheckedReport['from'],
): CheckedReport[] {
  const { hostId, code: outcome } = report;
  const meant = hostId === undefined ? own : own.filter((row) => row.hostId === hostId);
  if (meant.length === 0) throw new ProtocolError('transaction_unknown');
  if (meant.some((row) => row.hostId !== meant[0]!.hostId)) {
    throw new ProtocolError('request_invalid', {}, { detail: 'hostId: needed, the transaction has several hosts' });
  }
  return meant.map((row) => ({ part: keyOf(row), from, outcome, inReceipt: false }));
}

/** The claims, signed by the host of the transaction, or by the one of its hosts that the receipt names. */
function readReceipt(text: string, own: readonly Transaction[], { verifierOf }: ReportContext): ReceiptClaims {
  const hosts = new Set(own.map(({ hostId }) => hostId));
  const [only, ...others] = hosts;
  if (only === undefined) throw new ProtocolError('transaction_unknown');
  if (others.length === 0) return decodeReceipt(text, verifierOf(only));
  // Read first to learn whose signature it claims to carry; believed only when that one holds.
  const { hostId } = decodeReceipt(text, () => true);
  if (!hosts.has(hostId)) throw new ProtocolError('receipt_mismatch');
  return decodeReceipt(text, verifierOf(hostId));
}

function isOf(receipt: ReceiptClaims, row: Transaction, { trustDomain }: ReportContext): boolean {
  return (
    receipt.trustDomain === trustDomain &&
    receipt.transactionId === row.id &&
    receipt.hostId === row.hostId &&
    receipt.clientId === row.clientId
  );
}

/** Of a put, get or delete: one item for each part, in the order of the token. */
function itemResults(
  rows: readonly Transaction[],
  receipt: ReceiptClaims,
  from: CheckedReport['from'],
): CheckedReport[] {
  const { op } = rows[0]!;
  const isWhole = receipt.op === op && receipt.use === undefined && receipt.items.length === rows.length;
  if (!isWhole) throw new ProtocolError('receipt_mismatch');
  return rows.map((row, i): CheckedReport => {
    const { cid, sizeBytes, result } = receipt.items[i]!;
    if (cid !== row.cid || sizeBytes !== row.sizeBytes) throw new ProtocolError('receipt_mismatch');
    const outcome = result === RECEIPT_RESULTS[receipt.op] ? 'done' : result;
    return { part: keyOf(row), from, outcome, inReceipt: true };
  });
}

/** Of a stream: what its token has moved so far. */
function streamed(row: Transaction, receipt: ReceiptClaims, from: CheckedReport['from']): CheckedReport {
  const [item, ...others] = receipt.items;
  const isOfStream = receipt.op === 'stream' && receipt.use !== undefined && others.length === 0;
  if (!isOfStream || item === undefined || item.cid !== row.cid || item.sizeBytes > row.maxBytes!) {
    throw new ProtocolError('receipt_mismatch');
  }
  const moved = { uses: receipt.use, bytes: item.sizeBytes };
  return { part: keyOf(row), from, outcome: 'done', inReceipt: true, moved };
}

function useOf(
  token: Transaction,
  receipt: ReceiptClaims,
  from: CheckedReport['from'],
  object: UniversalObject | null,
): ReportedUse {
  const { op, use, items } = receipt;
  const [item, ...others] = items;
  if (op === 'delete' || use === undefined || item === undefined || others.length > 0) {
    throw new ProtocolError('receipt_mismatch');
  }
  if (use > token.maxUses! || item.sizeBytes > token.maxBytes!) throw new ProtocolError('receipt_mismatch');
  if (from === 'client' && op === 'put' && object === null) {
    throw new ProtocolError('request_invalid', {}, { detail: 'object: missing for a put under a universal token' });
  }
  const isPlaced = from === 'client' && op === 'put';
  return { token, use, op, cid: item.cid, sizeBytes: item.sizeBytes, from, object: isPlaced ? object : null };
}

/** The refusal that a check ended in, as the result of that report alone; other errors pass on. */
export function refusalCode(error: unknown): ProtocolError['code'] {
  if (!isRefusal(error)) throw error;
  return error.code;
}
