// The host's half of a token: may this client do this here, now? Decided alone, offline (B12, B16).
import { ProtocolError } from '../errors.js';
import type { PeerId, Requester } from '../ids.js';
import type { TokenKey } from '../keys/transaction-key.js';
import { BATCH_TOKEN_TEXT_BYTES_MAX, CLOCK_SKEW_MS_MAX, TOKEN_TEXT_BYTES_MAX } from '../limits.js';
import type { ContentId } from '../messages/fields.js';
import { openV3Local, splitV3Local } from '../paseto/v3-local.js';
import type { UnixMs } from '../time.js';
import { decodeClaims, type TokenClaims } from './claims.js';
import { implicitAssertion } from './seal-token.js';
import { BATCH_OPS, type PeerOp, UNIVERSAL_OPS } from './token-ops.js';

declare const verified: unique symbol;

/** Claims that verifyToken accepted: all that a replay list takes. Made in this file only. */
export type VerifiedToken = TokenClaims & {
  /** What the request does; the same as `op`, but for a universal token. */
  readonly doing: PeerOp;
  readonly [verified]: true;
};

export interface TokenExpectation {
  /** The host's keys that still hold, by key id: the current ones and, for a while, those before. */
  readonly keyOf: (kid: string) => TokenKey | undefined;
  readonly trustDomain: string;
  readonly hostId: PeerId;
  /** Whom the TLS certificate of this connection names: a stolen token is useless to another peer. */
  readonly clientId: Requester;
  /** What the request does. `batch`: put, get or delete of all items of the token, as the token says. */
  readonly op: PeerOp | 'batch';
  /** The shard that the request is about; null for a probe and a batch, which name none. */
  readonly cid: ContentId | null;
  /** Unix ms, corrected by the broker's signed time. */
  readonly nowMs: UnixMs;
}

const FOOTER = /^\{"kid":"([0-9a-f]{16})"\}$/;

/**
 * Check that the broker allows this client to do this with this shard on this host now. Pure.
 *
 * text     the token as received
 * returns  VerifiedToken, the only thing that ReplayList.claim accepts
 * throws   token_invalid until the MAC holds; then token_claims_invalid | token_wrong_domain | token_wrong_host |
 *          token_wrong_client | token_not_yet_valid | token_expired | token_wrong_op | token_wrong_content, with the
 *          transaction id in the facts wherever the claims have one
 * source   SPEC §4.4; order of the checks after storj storagenode/piecestore/verification.go
 */
export function verifyToken(text: string, expect: TokenExpectation): VerifiedToken {
  const { payload, key } = openToken(text, expect);
  const claims = decodeClaims(payload);
  // A replaced offline key is kept for months: nothing but a get of what the token names is taken under it.
  if (claims === null || (claims.op === 'offline') !== key.isOffline) throw new ProtocolError('token_claims_invalid');
  const facts = { transactionId: claims.transactionId };
  if (claims.trustDomain !== expect.trustDomain) throw new ProtocolError('token_wrong_domain', facts);
  if (claims.hostId !== expect.hostId) throw new ProtocolError('token_wrong_host', facts);
  if (claims.clientId !== expect.clientId) throw new ProtocolError('token_wrong_client', facts);
  if (expect.nowMs < claims.notBeforeMs - CLOCK_SKEW_MS_MAX) throw new ProtocolError('token_not_yet_valid', facts);
  if (expect.nowMs >= claims.expiresAtMs + CLOCK_SKEW_MS_MAX) throw new ProtocolError('token_expired', facts);
  const doing = permitted(claims, expect.op);
  if (doing === null) throw new ProtocolError('token_wrong_op', facts);
  if (!coversContent(claims, expect)) throw new ProtocolError('token_wrong_content', facts);
  return Object.assign(claims, { doing }) as VerifiedToken;
}

/** What a request of this kind does under the token; null when the token does not permit it. */
function permitted(claims: TokenClaims, asked: TokenExpectation['op']): PeerOp | null {
  const { op } = claims;
  if (asked === 'batch') return op !== 'universal' && op !== 'offline' && BATCH_OPS.has(op) ? op : null;
  if (op === 'universal') return UNIVERSAL_OPS.has(asked) ? asked : null;
  if (op === 'offline') return asked === 'get' ? asked : null;
  return op === asked ? op : null;
}

/** Is the request about what the token is for? One that should name a shard and does not is about nothing. */
function coversContent({ op, items }: TokenClaims, { op: asked, cid }: TokenExpectation): boolean {
  if (asked === 'batch' || asked === 'probe') return cid === null;
  if (cid === null) return false;
  if (op === 'offline') return items.some((item) => item.cid === cid);
  // A universal token is for any content; one of several items is for a batch alone.
  return op === 'universal' || (items.length === 1 && items[0]!.cid === cid);
}

/** Length, strict decode, known key, MAC: one code for all, so that a forger learns nothing from the answer. */
function openToken(text: string, expect: TokenExpectation): { readonly payload: string; readonly key: TokenKey } {
  const charsMax = expect.op === 'batch' ? BATCH_TOKEN_TEXT_BYTES_MAX : TOKEN_TEXT_BYTES_MAX;
  if (text.length > charsMax) throw new ProtocolError('token_invalid');
  const parts = splitV3Local(text);
  if (parts === null) throw new ProtocolError('token_invalid');
  const kid = FOOTER.exec(Buffer.from(parts.footer).toString('latin1'))?.[1];
  const key = kid === undefined ? undefined : expect.keyOf(kid);
  if (key === undefined) throw new ProtocolError('token_invalid');
  const payload = openV3Local(key.token, parts, implicitAssertion(expect.trustDomain, expect.hostId));
  if (payload === null) throw new ProtocolError('token_invalid');
  return { payload: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('utf8'), key };
}
