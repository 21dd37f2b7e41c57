// What a token says (SPEC §4.2): the claims, their schema, and their canonical JSON. Pure.
import { z } from 'zod';
import type { PeerId, TransactionId } from '../ids.js';
import { TOKEN_LIFE_SHORT_MS_MAX, TRUST_DOMAIN_CHARS_MAX } from '../limits.js';
import { type ContentId, contentIdField, peerIdField, shardSizeField, transactionIdField } from '../messages/fields.js';
import { formatTime, parseTime, type UnixMs } from '../time.js';

/** The kinds of transaction, and the longest life that a token of each may have. */
export const TOKEN_OPS = {
  put: { lifeMsMax: TOKEN_LIFE_SHORT_MS_MAX },
  get: { lifeMsMax: TOKEN_LIFE_SHORT_MS_MAX },
} as const;
export type TokenOp = keyof typeof TOKEN_OPS;
export const TOKEN_OP_NAMES = Object.keys(TOKEN_OPS) as [TokenOp, ...TokenOp[]];

export interface TokenItem {
  readonly cid: ContentId;
  readonly sizeBytes: number;
}

/** One permission: `clientId` may do `op` with the items at `hostId`, once, between two times. */
export interface TokenClaims {
  readonly trustDomain: string;
  readonly hostId: PeerId;
  readonly clientId: PeerId;
  readonly transactionId: TransactionId;
  readonly issuedAtMs: UnixMs;
  readonly notBeforeMs: UnixMs;
  readonly expiresAtMs: UnixMs;
  readonly op: TokenOp;
  readonly items: readonly [TokenItem];
}

// Times are texts here: decodeClaims parses each once, and refuses what is no time.
const payloadSchema = z.strictObject({
  iss: z.string().min(1).max(TRUST_DOMAIN_CHARS_MAX),
  aud: peerIdField,
  sub: peerIdField,
  jti: transactionIdField,
  iat: z.string(),
  nbf: z.string(),
  exp: z.string(),
  op: z.enum(TOKEN_OP_NAMES),
  items: z.tuple([z.strictObject({ cid: contentIdField, size: shardSizeField })]),
});

export function encodeClaims(claims: TokenClaims): string {
  return JSON.stringify({
    iss: claims.trustDomain,
    aud: claims.hostId,
    sub: claims.clientId,
    jti: claims.transactionId,
    iat: formatTime(claims.issuedAtMs),
    nbf: formatTime(claims.notBeforeMs),
    exp: formatTime(claims.expiresAtMs),
    op: claims.op,
    items: claims.items.map(({ cid, sizeBytes }) => ({ cid, size: sizeBytes })),
  });
}

/** The claims, or null when the payload breaks the schema: other members, other types, a life that its op may not have. */
export function decodeClaims(payload: string): TokenClaims | null {
  const parsed = payloadSchema.safeParse(parseJson(payload));
  if (!parsed.success) return null;
  const { iss, aud, sub, jti, iat, nbf, exp, op, items } = parsed.data;
  const issuedAtMs = parseTime(iat);
  const notBeforeMs = parseTime(nbf);
  const expiresAtMs = parseTime(exp);
  if (issuedAtMs === null || notBeforeMs === null || expiresAtMs === null) return null;
  const claims: TokenClaims = {
    trustDomain: iss,
    hostId: aud,
    clientId: sub,
    transactionId: jti,
    issuedAtMs,
    notBeforeMs,
    expiresAtMs,
    op,
    items: [{ cid: items[0].cid, sizeBytes: items[0].size }],
  };
  return hasSoundTimes(claims) ? claims : null;
}

export function hasSoundTimes(claims: TokenClaims): boolean {
  const lifeMs = claims.expiresAtMs - claims.issuedAtMs;
  if (claims.notBeforeMs < claims.issuedAtMs || claims.expiresAtMs <= claims.notBeforeMs) return false;
  return lifeMs <= TOKEN_OPS[claims.op].lifeMsMax;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
