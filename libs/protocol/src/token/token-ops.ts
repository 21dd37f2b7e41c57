// The kinds of transaction, a row each: how long a token of it may live, and which claims it must or may have. Pure data.
import { strict as assert } from 'node:assert';
import {
  BATCH_ITEMS_MAX,
  OFFLINE_ITEMS_MAX,
  OFFLINE_TOKEN_LIFE_MS_MAX,
  TOKEN_LIFE_LONG_MS_MAX,
  TOKEN_LIFE_SHORT_MS_MAX,
  TOKEN_LIFE_UNIVERSAL_MS_MAX,
} from '../limits.js';

interface TokenOpRow {
  /** Of a token with at most one item. */
  readonly lifeMsMax: number;
  /** Of a token with more items than one: a batch. */
  readonly batchLifeMsMax: number;
  readonly itemsMin: number;
  readonly itemsMax: number;
  /** Who may be named as the one that asks: peers, or the broker alone. */
  readonly requester: 'peer' | 'broker';
  /** `max`, the most bytes that the token may move in total: required or forbidden. */
  readonly hasMaxBytes: boolean;
  /** `uses`, the most operations that the token allows: required or forbidden. */
  readonly hasMaxUses: boolean;
  /** `retain`, until when the host keeps the shard whoever asks for its deletion: allowed or forbidden. */
  readonly mayRetain: boolean;
  /** `grp`: allowed or forbidden. */
  readonly mayBeOfGroup: boolean;
}

const PLAIN = {
  requester: 'peer',
  hasMaxBytes: false,
  hasMaxUses: false,
  mayRetain: false,
  mayBeOfGroup: false,
} as const;
const SHORT = { lifeMsMax: TOKEN_LIFE_SHORT_MS_MAX, batchLifeMsMax: TOKEN_LIFE_SHORT_MS_MAX } as const;
const BATCH = {
  lifeMsMax: TOKEN_LIFE_SHORT_MS_MAX,
  batchLifeMsMax: TOKEN_LIFE_LONG_MS_MAX,
  itemsMin: 1,
  itemsMax: BATCH_ITEMS_MAX,
} as const;
const LONG = { lifeMsMax: TOKEN_LIFE_LONG_MS_MAX, batchLifeMsMax: TOKEN_LIFE_LONG_MS_MAX } as const;
const HOUR = { lifeMsMax: TOKEN_LIFE_UNIVERSAL_MS_MAX, batchLifeMsMax: TOKEN_LIFE_UNIVERSAL_MS_MAX } as const;
const OFFLINE = {
  lifeMsMax: OFFLINE_TOKEN_LIFE_MS_MAX,
  batchLifeMsMax: OFFLINE_TOKEN_LIFE_MS_MAX,
  itemsMin: 1,
  itemsMax: OFFLINE_ITEMS_MAX,
} as const;

export const TOKEN_OPS = {
  put: { ...PLAIN, ...BATCH, mayRetain: true, mayBeOfGroup: true },
  get: { ...PLAIN, ...BATCH, mayBeOfGroup: true },
  stream: { ...PLAIN, ...LONG, itemsMin: 1, itemsMax: 1, hasMaxBytes: true },
  delete: { ...PLAIN, ...BATCH, mayBeOfGroup: true },
  audit: { ...PLAIN, ...SHORT, itemsMin: 1, itemsMax: 1, requester: 'broker' },
  probe: { ...PLAIN, ...SHORT, itemsMin: 0, itemsMax: 0, requester: 'broker' },
  universal: { ...PLAIN, ...HOUR, itemsMin: 0, itemsMax: 0, hasMaxBytes: true, hasMaxUses: true },
  offline: { ...PLAIN, ...OFFLINE, hasMaxBytes: true, hasMaxUses: true },
} as const satisfies Record<string, TokenOpRow>;

/** What a token permits. */
export type TokenOp = keyof typeof TOKEN_OPS;
export const TOKEN_OP_NAMES = Object.keys(TOKEN_OPS) as [TokenOp, ...TokenOp[]];

/** What a request does to a host. A universal token permits several of these, an offline one `get`. */
export type PeerOp = Exclude<TokenOp, 'universal' | 'offline'>;
export const PEER_OP_NAMES = TOKEN_OP_NAMES.filter((op) => op !== 'universal' && op !== 'offline') as [
  PeerOp,
  ...PeerOp[],
];

/** Never `delete`: a universal token is issued with few checks, and what is deleted is gone. */
export const UNIVERSAL_OPS: ReadonlySet<PeerOp> = new Set(['put', 'get', 'stream']);
/** What several items may be asked for at once. */
export const BATCH_OPS: ReadonlySet<TokenOp> = new Set(['put', 'get', 'delete']);

export function tokenOpRow(op: TokenOp): TokenOpRow {
  return TOKEN_OPS[op];
}

/** stream, universal, offline: used again and again until a budget is spent, where every other token ends with its transaction. */
export function isOfSeveralUses({ op }: { readonly op: TokenOp }): boolean {
  return tokenOpRow(op).hasMaxBytes;
}

/**
 * No token lives longer: for so long, and the skew of two clocks, a host takes tokens under the key before. Offline ones
 * do, and are sealed under a key of their own that is kept for their life.
 */
export const TOKEN_LIFE_MS_MAX = Math.max(
  ...TOKEN_OP_NAMES.filter((op) => op !== 'offline').map((op) =>
    Math.max(TOKEN_OPS[op].lifeMsMax, TOKEN_OPS[op].batchLifeMsMax),
  ),
);

assert(!UNIVERSAL_OPS.has('delete'));
for (const op of BATCH_OPS) assert(tokenOpRow(op).itemsMax > 1);
