// Does a receipt say, under the key that the host proved in TLS, what this transfer did?
import type { KeyObject } from 'node:crypto';
import {
  type ContentId,
  decodeReceipt,
  es256Verifier,
  type PeerId,
  ProtocolError,
  RECEIPT_RESULTS,
  type ReceiptClaims,
  type ReceiptOp,
  type ReceiptResult,
  type TokenItem,
  type TransactionId,
} from '#protocol';

/** What every receipt for a transfer of this machine with that host says. */
export interface ReceiptParties {
  readonly hostKey: KeyObject | null;
  readonly trustDomain: string;
  readonly hostId: PeerId;
  readonly clientId: PeerId;
  readonly transactionId?: TransactionId;
}

export interface ReceiptExpectation extends ReceiptParties {
  readonly op: ReceiptOp;
  readonly cid: ContentId;
  /** Of the shard; of a stream what came in this use: its receipt counts all uses, so it says that or more. */
  readonly sizeBytes: number;
}

export interface BatchReceiptExpectation extends ReceiptParties {
  readonly op: 'put' | 'get' | 'delete';
  readonly items: readonly TokenItem[];
}

/** throws receipt_invalid | receipt_mismatch */
export function checkReceipt(receipt: string, expected: ReceiptExpectation): void {
  const claims = signedClaims(receipt, expected);
  const [item, ...others] = claims.items;
  const holds =
    claims.op === expected.op &&
    item !== undefined &&
    others.length === 0 &&
    item.cid === expected.cid &&
    (expected.op === 'stream' ? item.sizeBytes >= expected.sizeBytes : item.sizeBytes === expected.sizeBytes) &&
    (expected.op !== 'stream' || claims.use !== undefined) &&
    item.result === RECEIPT_RESULTS[expected.op];
  if (!holds) throw new ProtocolError('receipt_mismatch', { hostId: expected.hostId });
}

/** What the host says of each item, in order: the success, or a code. Throws receipt_invalid | receipt_mismatch. */
export function checkBatchReceipt(receipt: string, expected: BatchReceiptExpectation): readonly ReceiptResult[] {
  const claims = signedClaims(receipt, expected);
  const holds =
    claims.op === expected.op &&
    claims.items.length === expected.items.length &&
    claims.items.every(({ cid, sizeBytes }, i) => {
      const item = expected.items[i]!;
      return cid === item.cid && sizeBytes === item.sizeBytes;
    });
  if (!holds) throw new ProtocolError('receipt_mismatch', { hostId: expected.hostId });
  return claims.items.map(({ result }) => result);
}

function signedClaims(receipt: string, expected: ReceiptParties): ReceiptClaims {
  const { hostId, hostKey } = expected;
  if (hostKey === null) throw new ProtocolError('receipt_invalid', { hostId });
  const claims = decodeReceipt(receipt, es256Verifier(hostKey));
  const holds =
    claims.trustDomain === expected.trustDomain &&
    claims.hostId === hostId &&
    claims.clientId === expected.clientId &&
    (expected.transactionId === undefined || claims.transactionId === expected.transactionId);
  if (!holds) throw new ProtocolError('receipt_mismatch', { hostId });
  return claims;
}
