// Receipts (SPEC §7): a host's signed statement of what it did, a JWS in compact form (RFC 7515) with ES256 alone.
import { z } from 'zod';
import { decodeBase64url, encodeBase64url, utf8 } from '../bytes.js';
import type { SignBytes, VerifyBytes } from '../crypto/es256.js';
import { ProtocolError } from '../errors.js';
import type { PeerId, TransactionId } from '../ids.js';
import { RECEIPT_TEXT_BYTES_MAX, TRUST_DOMAIN_CHARS_MAX } from '../limits.js';
import {
  type ContentId,
  contentIdField,
  peerIdField,
  shardSizeField,
  timeField,
  transactionIdField,
} from '../messages/fields.js';
import { formatTime, timeOf, type UnixMs } from '../time.js';
import { TOKEN_OP_NAMES, type TokenOp } from '../token/claims.js';

export const RECEIPT_RESULTS = ['stored', 'served'] as const;
export type ReceiptResult = (typeof RECEIPT_RESULTS)[number];

export interface ReceiptItem {
  readonly cid: ContentId;
  readonly sizeBytes: number;
  readonly result: ReceiptResult;
}

export interface ReceiptClaims {
  readonly trustDomain: string;
  readonly transactionId: TransactionId;
  readonly op: TokenOp;
  readonly hostId: PeerId;
  readonly clientId: PeerId;
  readonly items: readonly [ReceiptItem];
  readonly timeMs: UnixMs;
}

// The one header that is accepted, to the letter: no algorithm is ever taken from a message.
const HEADER = encodeBase64url(utf8('{"alg":"ES256","typ":"peerkeep-receipt+jwt"}'));

const payloadSchema = z.strictObject({
  domain: z.string().min(1).max(TRUST_DOMAIN_CHARS_MAX),
  jti: transactionIdField,
  op: z.enum(TOKEN_OP_NAMES),
  iss: peerIdField,
  sub: peerIdField,
  items: z.tuple([z.strictObject({ cid: contentIdField, size: shardSizeField, result: z.enum(RECEIPT_RESULTS) })]),
  time: timeField,
});

/** sign: by the host's identity key. */
export function encodeReceipt(claims: ReceiptClaims, sign: SignBytes): string {
  const payload = JSON.stringify({
    domain: claims.trustDomain,
    jti: claims.transactionId,
    op: claims.op,
    iss: claims.hostId,
    sub: claims.clientId,
    items: claims.items.map(({ cid, sizeBytes, result }) => ({ cid, size: sizeBytes, result })),
    time: formatTime(claims.timeMs),
  });
  const signed = `${HEADER}.${encodeBase64url(utf8(payload))}`;
  return `${signed}.${encodeBase64url(sign(utf8(signed)))}`;
}

/**
 * The claims of a receipt whose signature holds. Pure.
 *
 * verify  under the public key in the certificate of the host that is expected to have signed
 * throws  receipt_invalid
 */
export function decodeReceipt(text: string, verify: VerifyBytes): ReceiptClaims {
  if (text.length > RECEIPT_TEXT_BYTES_MAX) throw new ProtocolError('receipt_invalid');
  const [header, payload, signature, ...rest] = text.split('.');
  if (header !== HEADER || payload === undefined || signature === undefined || rest.length > 0) {
    throw new ProtocolError('receipt_invalid');
  }
  const payloadBytes = decodeBase64url(payload);
  const signatureBytes = decodeBase64url(signature);
  if (payloadBytes === null || signatureBytes === null) throw new ProtocolError('receipt_invalid');
  if (!verify(utf8(`${header}.${payload}`), signatureBytes)) throw new ProtocolError('receipt_invalid');
  return parsePayload(Buffer.from(payloadBytes).toString('utf8'));
}

function parsePayload(payload: string): ReceiptClaims {
  let json: unknown;
  try {
    json = JSON.parse(payload);
  } catch (error) {
    throw new ProtocolError('receipt_invalid', {}, { cause: error });
  }
  const parsed = payloadSchema.safeParse(json);
  if (!parsed.success) throw new ProtocolError('receipt_invalid', {}, { cause: parsed.error });
  const { domain, jti, op, iss, sub, items, time } = parsed.data;
  return {
    trustDomain: domain,
    transactionId: jti,
    op,
    hostId: iss,
    clientId: sub,
    items: [{ cid: items[0].cid, sizeBytes: items[0].size, result: items[0].result }],
    timeMs: timeOf(time),
  };
}
