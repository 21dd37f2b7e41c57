// One token of every kind, the requests that it permits, and any sound claims at all: what tests of every op start from.
import fc from 'fast-check';
import { encodeBase64url } from '../src/bytes.js';
import { type GroupId, type PeerId, type TransactionId, uuidV7 } from '../src/ids.js';
import { RETAIN_MS_MAX, SHARD_BYTES_MAX, TOKEN_USES_MAX } from '../src/limits.js';
import type { ContentId } from '../src/messages/fields.js';
import type { TokenClaims } from '../src/token/claims.js';
import { type PeerOp, TOKEN_OP_NAMES, type TokenOp, tokenOpRow } from '../src/token/token-ops.js';
import type { TokenExpectation } from '../src/token/verify-token.js';
import {
  CID,
  exampleBytes,
  exampleClaims,
  exampleExpectation,
  type exampleKey,
  NOW_MS,
  OTHER_CID,
} from './examples.js';

const MINUTE_MS = 60_000;
export const GROUP_ID = '0193f3a0-0000-7000-8000-00000000000e' as GroupId;

export const ONE_ITEM = [{ cid: CID, sizeBytes: 1000 }];
export const TWO_ITEMS = [...ONE_ITEM, { cid: OTHER_CID, sizeBytes: 2000 }];

/** What a host may be asked to do. A batch is a request of its own; `universal` is a token and no request. */
export type Request = TokenExpectation['op'];
export const REQUESTS: readonly Request[] = ['put', 'get', 'stream', 'delete', 'audit', 'probe', 'batch'];

export interface TokenKind {
  readonly name: string;
  readonly claims: TokenClaims;
  /** The requests that it permits, and what each of them does. */
  readonly permits: Readonly<Partial<Record<Request, PeerOp>>>;
}

const kind = (name: string, changes: Partial<TokenClaims>, permits: TokenKind['permits']): TokenKind => ({
  name,
  claims: exampleClaims(changes),
  permits,
});

export const TOKEN_KINDS: readonly TokenKind[] = [
  kind('put', { op: 'put' }, { put: 'put', batch: 'put' }),
  kind('get', { op: 'get' }, { get: 'get', batch: 'get' }),
  kind('stream', { op: 'stream', maxBytes: 5000 }, { stream: 'stream' }),
  kind('delete', { op: 'delete' }, { delete: 'delete', batch: 'delete' }),
  kind('audit', { op: 'audit', clientId: 'broker' }, { audit: 'audit' }),
  kind('probe', { op: 'probe', clientId: 'broker', items: [] }, { probe: 'probe' }),
  kind(
    'universal',
    { op: 'universal', items: [], maxBytes: 5000, maxUses: 3 },
    { put: 'put', get: 'get', stream: 'stream' },
  ),
  kind('offline', { op: 'offline', maxBytes: 5000, maxUses: 3 }, { get: 'get' }),
  kind('put of two', { op: 'put', items: TWO_ITEMS }, { batch: 'put' }),
  kind('get of two', { op: 'get', items: TWO_ITEMS }, { batch: 'get' }),
  kind('delete of two', { op: 'delete', items: TWO_ITEMS }, { batch: 'delete' }),
  kind(
    'put, retained, of a group',
    { op: 'put', retainUntilMs: NOW_MS + MINUTE_MS, groupId: GROUP_ID },
    { put: 'put', batch: 'put' },
  ),
];

/** The content that a request of this kind names. */
export const cidOf = (request: Request): ContentId | null => (request === 'batch' || request === 'probe' ? null : CID);

/** What the host expects of a request under this token by the one whom it names. */
export function expectationOf(
  { claims, permits }: TokenKind,
  key: ReturnType<typeof exampleKey>,
  changes: Partial<TokenExpectation> = {},
): TokenExpectation {
  const op = changes.op ?? (Object.keys(permits)[0] as Request);
  return exampleExpectation(key, { clientId: claims.clientId, op, cid: cidOf(op), ...changes });
}

/** `count` items that differ, of one size. */
export function itemsOf(count: number, sizeBytes = SHARD_BYTES_MAX): TokenClaims['items'] {
  return Array.from({ length: count }, (_, i) => ({
    cid: encodeBase64url(exampleBytes(`item ${i}`)) as ContentId,
    sizeBytes,
  }));
}

const uuid = fc
  .tuple(fc.integer({ min: 0, max: 2 ** 48 - 1 }), fc.uint8Array({ minLength: 10, maxLength: 10 }))
  .map(([ms, entropy]) => uuidV7<string>(ms, entropy));
const item = fc.record({
  cid: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => encodeBase64url(bytes) as ContentId),
  sizeBytes: fc.integer({ min: 1, max: SHARD_BYTES_MAX }),
});
const trustDomain = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,40}[a-z0-9]$/);

function soundClaimsOf(op: TokenOp): fc.Arbitrary<TokenClaims> {
  const row = tokenOpRow(op);
  return fc
    .record({
      trustDomain,
      ids: fc.tuple(uuid, uuid, uuid, uuid),
      issuedAtMs: fc.integer({ min: 0, max: Date.UTC(9980, 0, 1) }),
      // Where the times lie in the life that is allowed.
      parts: fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })),
      items: fc.uniqueArray(item, {
        minLength: row.itemsMin,
        maxLength: Math.min(row.itemsMax, 6),
        selector: ({ cid }) => cid,
      }),
      maxBytes: fc.maxSafeNat().map((bytes) => Math.max(1, bytes)),
      maxUses: fc.integer({ min: 1, max: TOKEN_USES_MAX }),
      retainMs: fc.option(fc.integer({ min: 1, max: RETAIN_MS_MAX })),
      isOfGroup: fc.boolean(),
    })
    .map(({ trustDomain, ids, issuedAtMs, parts, items, maxBytes, maxUses, retainMs, isOfGroup }) => {
      const lifeMsMax = items.length > 1 ? row.batchLifeMsMax : row.lifeMsMax;
      const lifeMs = 1 + Math.floor(parts[0] * (lifeMsMax - 1));
      return {
        trustDomain,
        hostId: ids[0] as PeerId,
        clientId: row.requester === 'broker' ? 'broker' : (ids[1] as PeerId),
        transactionId: ids[2] as TransactionId,
        issuedAtMs,
        notBeforeMs: issuedAtMs + Math.floor(parts[1] * (lifeMs - 1)),
        expiresAtMs: issuedAtMs + lifeMs,
        op,
        items,
        ...(row.hasMaxBytes ? { maxBytes } : {}),
        ...(row.hasMaxUses ? { maxUses } : {}),
        ...(row.mayRetain && retainMs !== null ? { retainUntilMs: issuedAtMs + retainMs } : {}),
        ...(row.mayBeOfGroup && isOfGroup ? { groupId: ids[3] as GroupId } : {}),
      };
    });
}

/** Any claims that the broker may seal, of any op. */
export const soundClaims: fc.Arbitrary<TokenClaims> = fc.oneof(...TOKEN_OP_NAMES.map(soundClaimsOf));
