// Decides what the reported uses of universal tokens become: transactions of their own, within the token's budget, and
// shards of objects that the broker hears of for the first time. Pure.
import type { AccountId, ContentId, ErrorCode, PeerId, UniversalObject } from '#protocol';
import type { DurabilityClass } from '../exchange/durability-class.js';
import type { StoredObject, StoredShard } from '../objects/object-rows.js';
import type { NewTransaction, Transaction } from './transaction-rows.js';

/** One use of a universal token, as a receipt of its host proves it. */
export interface ReportedUse {
  readonly token: Transaction;
  /** From 1. */
  readonly use: number;
  readonly op: 'put' | 'get' | 'stream';
  readonly cid: ContentId;
  readonly sizeBytes: number;
  readonly from: 'client' | 'host';
  /** Where a put belongs; told by the client alone. */
  readonly object: UniversalObject | null;
}

export type UseDecision =
  /** `isNew`: no report has told of this use before. */
  | { readonly ok: true; readonly transaction: NewTransaction; readonly isNew: boolean }
  | { readonly ok: false; readonly code: ErrorCode };

/**
 * known   the use as an earlier report told it
 * spent   what the token's known uses have moved, and how many they are
 */
export function decideUse(
  reported: ReportedUse,
  known: Transaction | undefined,
  spent: { readonly bytes: number; readonly uses: number },
): UseDecision {
  const { token, use, op, cid, sizeBytes } = reported;
  if (known !== undefined) {
    const isSame = known.op === op && known.cid === cid && known.sizeBytes === sizeBytes;
    return isSame ? { ok: true, transaction: known, isNew: false } : { ok: false, code: 'receipt_mismatch' };
  }
  const isWithin = spent.uses < token.maxUses! && spent.bytes + sizeBytes <= token.maxBytes!;
  if (!isWithin) return { ok: false, code: 'token_budget_spent' };
  const { id, hostId, clientId, clientAccountId, hostAccountId, groupId, issuedAtMs, expiresAtMs } = token;
  const transaction: NewTransaction = {
    id,
    hostId,
    item: use,
    isUse: true,
    op,
    clientId,
    clientAccountId,
    hostAccountId,
    objectId: null,
    shardIndex: null,
    cid,
    sizeBytes,
    // Its bytes: how its object is coded is not known when its token is issued.
    charge: op === 'put' ? sizeBytes : 0,
    maxBytes: null,
    maxUses: null,
    groupId,
    issuedAtMs,
    expiresAtMs,
  };
  return { ok: true, transaction, isNew: true };
}

export type PlacementDecision =
  /** `shard` null: the object has this shard stored by this very use already. */
  | { readonly ok: true; readonly newObject: StoredObject | null; readonly hasRow: boolean }
  | { readonly ok: false; readonly code: ErrorCode };

/**
 * May the shard that a client put under a universal token be the one of its object that it says? The rules are those of
 * placement, checked afterwards because the client chose: every shard of an object with another host and account.
 *
 * known        the object and its shards as the broker knows them; null for a new one
 * durability   the class of a new object, whose code is one of its rows
 */
export function decideUsePlacement(
  put: { readonly use: NewTransaction; readonly object: UniversalObject; readonly nowMs: number },
  known: { readonly object: StoredObject; readonly shards: readonly StoredShard[] } | null,
  policy: { readonly durability: DurabilityClass; readonly accountOf: (peerId: PeerId) => AccountId },
): PlacementDecision {
  const { use, object, nowMs } = put;
  const { objectId, kind, sizeBytes, dataShards, totalShards, index } = object;
  if (index >= totalShards) return { ok: false, code: 'request_invalid' };
  if (use.hostId === use.clientId) return { ok: false, code: 'shards_together' };
  const shard = known?.shards.find((candidate) => candidate.index === index);
  if (known === null) {
    const row = policy.durability.redundancy.find((r) => r.dataShards === dataShards && r.totalShards === totalShards);
    if (row === undefined) return { ok: false, code: 'redundancy_changed' };
    const newObject: StoredObject = {
      objectId,
      accountId: use.clientAccountId!,
      clientId: use.clientId,
      kind,
      sizeBytes,
      dataShards,
      totalShards,
      safeShards: row.safeShards,
      storedShards: 0,
      createdAtMs: nowMs,
      deletedAtMs: null,
      retainUntilMs: null,
      durability: policy.durability.name,
      wishes: {},
    };
    return { ok: true, newObject, hasRow: false };
  }
  const { accountId, deletedAtMs } = known.object;
  const isSameObject =
    accountId === use.clientAccountId &&
    deletedAtMs === null &&
    known.object.kind === kind &&
    known.object.sizeBytes === sizeBytes &&
    known.object.dataShards === dataShards &&
    known.object.totalShards === totalShards;
  const isSameShard = shard === undefined || (shard.cid === use.cid && shard.sizeBytes === use.sizeBytes);
  const isElsewhere = shard?.state === 'stored' && !isBy(shard, use);
  if (!isSameObject || !isSameShard || isElsewhere) return { ok: false, code: 'object_conflict' };
  const others = known.shards.filter((other) => other.index !== index && other.hostId !== null);
  const isTogether = others.some(
    ({ hostId }) => hostId === use.hostId || policy.accountOf(hostId!) === use.hostAccountId,
  );
  if (isTogether) return { ok: false, code: 'shards_together' };
  return { ok: true, newObject: null, hasRow: shard !== undefined };
}

function isBy(shard: StoredShard, use: NewTransaction): boolean {
  return shard.hostId === use.hostId && shard.transactionId === use.id && shard.transactionItem === use.item;
}
