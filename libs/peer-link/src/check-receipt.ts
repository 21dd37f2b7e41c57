// Does a receipt say, under the key that the host proved in TLS, what this transfer did?
import type { KeyObject } from 'node:crypto';
import {
  type ContentId,
  decodeReceipt,
  es256Verifier,
  type PeerId,
  ProtocolError,
  type TransactionId,
} from '#protocol';

export interface ReceiptExpectation {
  readonly hostKey: KeyObject | null;
  readonly trustDomain: string;
  readonly hostId: PeerId;
  readonly clientId: PeerId;
  readonly op: 'put' | 'get';
  readonly cid: ContentId;
  readonly sizeBytes: number;
  readonly transactionId?: TransactionId;
}

/** throws receipt_invalid | receipt_mismatch */
export function checkReceipt(receipt: string, expected: ReceiptExpectation): void {
  const { hostId, hostKey } = expected;
  if (hostKey === null) throw new ProtocolError('receipt_invalid', { hostId });
  const claims = decodeReceipt(receipt, es256Verifier(hostKey));
  const [item] = claims.items;
  const holds =
    claims.trustDomain === expected.trustDomain &&
    claims.hostId === hostId &&
    claims.clientId === expected.clientId &&
    claims.op === expected.op &&
    item.cid === expected.cid &&
    item.sizeBytes === expected.sizeBytes &&
    item.result === (expected.op === 'put' ? 'stored' : 'served') &&
    (expected.transactionId === undefined || claims.transactionId === expected.transactionId);
  if (!holds) throw new ProtocolError('receipt_mismatch', { hostId });
}
