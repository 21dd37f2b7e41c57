// Receipts (SPEC §7): a host's signed statement of what it did, a JWS in compact form (RFC 7515) with ES256 alone.
import { strict as assert } from 'node:assert';
import { z } from 'zod';
import { decodeBase64url, encodeBase64url, utf8 } from '../bytes.js';
import type { SignBytes, VerifyBytes } from '../crypto/es256.js';
import { ProtocolError } from '../errors.js';
import { isTrustDomain } from '../identity/spiffe.js';
import type { PeerId, TransactionId } from '../ids.js';
import {
  BATCH_ITEMS_MAX,
  BATCH_RECEIPT_TEXT_BYTES_MAX,
  RECEIPT_RESULT_CHARS_MAX,
  RECEIPT_TEXT_BYTES_MAX,
  SHARD_BYTES_MAX,
  TOKEN_USES_MAX,
} from '../limits.js';
import { type ContentId, contentIdField, peerIdField, timeField, transactionIdField } from '../messages/fields.js';
import { formatTime, isTime, timeOf, type UnixMs } from '../time.js';

/** What became of an item, when it is not the code of its refusal. */
export const RECEIPT_RESULTS = { put: 'stored', get: 'served', stream: 'served', delete: 'deleted' } as const;
export type ReceiptOp = keyof typeof RECEIPT_RESULTS;
export const RECEIPT_OPS = Object.keys(RECEIPT_RESULTS) as [ReceiptOp, ...ReceiptOp[]];
/** A success, or the error code of an item that failed (in a batch; a receipt for one item is one of success). */
export type ReceiptResult = (typeof RECEIPT_RESULTS)[ReceiptOp] | (string & {});

export interface ReceiptItem {
  readonly cid: ContentId;
  /** Of the shard; for a stream, the bytes that its token has moved so far, under a universal token those of this use. */
  readonly sizeBytes: number;
  readonly result: ReceiptResult;
}

export interface ReceiptClaims {
  readonly trustDomain: string;
  readonly transactionId: TransactionId;
  /** What was done: under a universal token, the operation of this use. */
  readonly op: ReceiptOp;
  readonly hostId: PeerId;
  readonly clientId: PeerId;
  /** As in the token, in its order; of a universal token, the item of this use. */
  readonly items: readonly ReceiptItem[];
  /** Under a token of several uses (stream, universal): which use this is, from 1. */
  readonly use?: number;
  readonly timeMs: UnixMs;
}

// The one header that is accepted, to the letter: no algorithm is ever taken from a message.
const HEADER = encodeBase64url(utf8('{"alg":"ES256","typ":"peerkeep-receipt+jwt"}'));

const resultField = z
  .string()
  .max(RECEIPT_RESULT_CHARS_MAX)
  .regex(/^[a-z][a-z0-9_]*$/, 'not a result');

const payloadSchema = z.strictObject({
  domain: z.string().refine(isTrustDomain),
  jti: transactionIdField,
  op: z.enum(RECEIPT_OPS),
  iss: peerIdField,
  sub: peerIdField,
  items: z
    .array(z.strictObject({ cid: contentIdField, size: z.int().min(1), result: resultField }))
    .min(1)
    .max(BATCH_ITEMS_MAX),
  use: z.int().min(1).max(TOKEN_USES_MAX).optional(),
  time: timeField,
});

/** sign: by the host's identity key. The claims are sound, as decodeReceipt demands. */
export function encodeReceipt(claims: ReceiptClaims, sign: SignBytes): string {
  assert(areSound(claims));
  const signed = `${HEADER}.${encodeBase64url(utf8(encodePayload(claims)))}`;
  const text = `${signed}.${encodeBase64url(sign(utf8(signed)))}`;
  assert(text.length <= textBytesMax(claims));
  return text;
}

/** One value has one text, as in tokens: members in this order, one that is not there left out, no white space. */
function encodePayload(claims: ReceiptClaims): string {
  return JSON.stringify({
    domain: claims.trustDomain,
    jti: claims.transactionId,
    op: claims.op,
    iss: claims.hostId,
    sub: claims.clientId,
    items: claims.items.map(({ cid, sizeBytes, result }) => ({ cid, size: sizeBytes, result })),
    use: claims.use,
    time: formatTime(claims.timeMs),
  });
}

/**
 * The claims of a receipt whose signature holds. Pure.
 *
 * verify  under the public key in the certificate of the host that is expected to have signed
 * throws  receipt_invalid
 */
export function decodeReceipt(text: string, verify: VerifyBytes): ReceiptClaims {
  if (text.length > BATCH_RECEIPT_TEXT_BYTES_MAX) throw new ProtocolError('receipt_invalid');
  const [header, payload, signature, ...rest] = text.split('.');
  if (header !== HEADER || payload === undefined || signature === undefined || rest.length > 0) {
    throw new ProtocolError('receipt_invalid');
  }
  const payloadBytes = decodeBase64url(payload);
  const signatureBytes = decodeBase64url(signature);
  if (payloadBytes === null || signatureBytes === null) throw new ProtocolError('receipt_invalid');
  if (!verify(utf8(`${header}.${payload}`), signatureBytes)) throw new ProtocolError('receipt_invalid');
  const payloadText = Buffer.from(payloadBytes).toString('utf8');
  const claims = parsePayload(payloadText);
  // Two readers of one receipt never read it in two ways: a member that stands twice, say, has no canonical text.
  if (!areSound(claims) || encodePayload(claims) !== payloadText) throw new ProtocolError('receipt_invalid');
  if (text.length > textBytesMax(claims)) throw new ProtocolError('receipt_invalid');
  return claims;
}

/** The larger bound is for batches alone. */
function textBytesMax({ items }: ReceiptClaims): number {
  return items.length > 1 ? BATCH_RECEIPT_TEXT_BYTES_MAX : RECEIPT_TEXT_BYTES_MAX;
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
  const { domain, jti, op, iss, sub, items, use, time } = parsed.data;
  return {
    trustDomain: domain,
    transactionId: jti,
    op,
    hostId: iss,
    clientId: sub,
    items: items.map(({ cid, size, result }) => ({ cid, sizeBytes: size, result })),
    ...(use === undefined ? {} : { use }),
    timeMs: timeOf(time),
  };
}

/** Do the members fit each other: results that the op may have, a use where a token has several, no item twice? */
function areSound({ op, items, use, timeMs }: ReceiptClaims): boolean {
  if (!isTime(timeMs) || items.length < 1 || items.length > BATCH_ITEMS_MAX) return false;
  const sizeBytesMax = op === 'stream' ? Number.MAX_SAFE_INTEGER : SHARD_BYTES_MAX;
  if (!items.every(({ sizeBytes }) => sizeBytes <= sizeBytesMax)) return false;
  if (!items.every(({ result }) => isResultOf(op, result, items.length))) return false;
  if (new Set(items.map(({ cid }) => cid)).size < items.length) return false;
  if (op === 'stream') return items.length === 1 && use !== undefined;
  // Of what a universal token permits; a batch is one use of one token.
  return use === undefined || (op !== 'delete' && items.length === 1);
}

const SUCCESSES: ReadonlySet<string> = new Set(Object.values(RECEIPT_RESULTS));

/** The success of its op; in a batch also the code of a refusal, but never the success of another op. */
function isResultOf(op: ReceiptOp, result: string, items: number): boolean {
  if (result === RECEIPT_RESULTS[op]) return true;
  return items > 1 && !SUCCESSES.has(result);
}
