// Decides what one object of a put request becomes: which of its shards need a host, and which they get. Pure.
import type { AccountId, ErrorCode, ObjectToPut, PeerId, Redundancy, ShardToPut } from '#protocol';
import type { StoredObject, StoredShard } from '../objects/object-rows.js';
import type { CandidatePool } from '../placement/candidate-pool.js';
import { countIndependentHosts } from '../placement/match-operators.js';
import { type Candidate, type Holder, placeShards, type Wishes } from '../placement/place-shards.js';

export interface PlacedShardPlan {
  readonly shard: ShardToPut;
  readonly hostId: PeerId | null;
  /** What is known of it when it is stored where the client cannot have it; it stays so until the new host has it. */
  readonly moves: StoredShard | null;
}

export interface PutPlan {
  readonly safeShards: number;
  /** Shards that need a place; each gets its host, or none. */
  readonly placing: readonly PlacedShardPlan[];
  /** Stored shards that were to move, and stay where a host promised to keep them. */
  readonly staying: readonly number[];
  /** What is known of shards that are not stored; the new places stand instead of it. */
  readonly replaces: readonly StoredShard[];
}

export type PutDecision =
  | { readonly ok: true; readonly plan: PutPlan }
  | { readonly ok: false; readonly code: ErrorCode; readonly detail?: string; readonly hostId?: PeerId };

/**
 * wanted       the object as the client asks for it
 * stored       the same object as the broker knows it, with all of its known shards; null for a new one
 * redundancy   what the policy asks of a new object; null when there are too few hosts for any code
 * candidates   hosts to choose from
 * candidateOf  a host that the client names (B11), if it is there; perhaps none of the candidates
 * holderOf     any enrolled peer, as one that holds a shard
 * vettingShare of an object's shards, those that hosts on probation may get
 * wishes       which hosts may get shards of this object
 * mayMove      whether the client may delete: moving a stored shard has its old place forgotten
 */
export function planPut(
  client: { peerId: PeerId; accountId: AccountId },
  wanted: ObjectToPut,
  stored: { object: StoredObject; shards: readonly StoredShard[] } | null,
  hosts: {
    redundancy: Redundancy | null;
    candidates: readonly Candidate[] | CandidatePool;
    candidateOf: (peerId: PeerId) => Candidate | undefined;
    holderOf: (peerId: PeerId) => Holder;
    vettingShare: number;
    wishes: Wishes;
    random: () => number;
    mayMove: boolean;
    nowMs: number;
  },
): PutDecision {
  const fault = faultOf(wanted);
  if (fault !== null) return { ok: false, code: 'request_invalid', detail: fault };
  if (stored === null) {
    const { redundancy } = hosts;
    if (redundancy === null) return { ok: false, code: 'not_enough_hosts' };
    if (wanted.dataShards !== redundancy.dataShards || wanted.totalShards !== redundancy.totalShards) {
      return { ok: false, code: 'redundancy_changed' };
    }
  } else if (isOther(client.accountId, wanted, stored)) return { ok: false, code: 'object_conflict' };

  const known = new Map(stored?.shards.map((shard) => [shard.index, shard]));
  const moving = new Map(
    wanted.shards.flatMap(({ index, insteadOf }) => {
      const shard = known.get(index);
      return shard?.state === 'stored' && shard.hostId === insteadOf ? [[index, shard] as const] : [];
    }),
  );
  if (moving.size > 0 && !hosts.mayMove) return { ok: false, code: 'peer_append_only' };
  // Until its time a shard stays where it was promised to be kept: the new host may be the thief's.
  const isPromised = (index: number): boolean => (moving.get(index)?.retainUntilMs ?? 0) > hosts.nowMs;
  const promised = wanted.shards.filter(({ index }) => isPromised(index));
  for (const { index } of promised) moving.delete(index);
  const needed = wanted.shards.filter(({ index }) => known.get(index)?.state !== 'stored' || moving.has(index));
  const replaced = new Set(needed.map(({ index }) => index));
  const holders = (stored?.shards ?? []).filter(({ index, hostId }) => hostId !== null && !replaced.has(index));
  const holding = holders.map(({ hostId }) => hosts.holderOf(hostId!));
  const avoid = [...wanted.avoid, ...[...moving.values()].map(({ hostId }) => hostId!)];
  const named = placeNamed(client, needed, holding, { avoid, candidateOf: hosts.candidateOf });
  if (!named.ok) return named;
  const { placed: chosen } = placeShards(
    {
      client,
      shards: needed.filter(({ target }) => target === undefined),
      holders: [...holding, ...named.holders],
      avoid,
      vettingShare: hosts.vettingShare,
      wishes: hosts.wishes,
    },
    hosts.candidates,
    hosts.random,
  );
  const placed = [...named.placed, ...chosen];
  const safeShards = stored?.object.safeShards ?? hosts.redundancy?.safeShards ?? wanted.totalShards;
  // A new object that cannot become safe is not begun: nothing is reserved for it.
  const independent = countIndependentHosts(placed.flatMap(({ peerId }) => hosts.candidateOf(peerId) ?? []));
  if (stored === null && needed.length === wanted.totalShards && independent < safeShards) {
    return { ok: false, code: 'not_enough_hosts' };
  }
  const hostOf = new Map(placed.map(({ index, peerId }) => [index, peerId]));
  return {
    ok: true,
    plan: {
      safeShards,
      placing: needed.map((shard) => ({
        shard,
        hostId: hostOf.get(shard.index) ?? null,
        moves: moving.get(shard.index) ?? null,
      })),
      staying: promised.map(({ index }) => index),
      replaces: [...known.values()].filter(({ index }) => replaced.has(index) && !moving.has(index)),
    },
  };
}

type NamedDecision =
  | {
      readonly ok: true;
      readonly placed: readonly { readonly index: number; readonly peerId: PeerId }[];
      readonly holders: readonly Holder[];
    }
  | { readonly ok: false; readonly code: 'target_unavailable'; readonly hostId: PeerId };

/** The shards whose hosts the client names: each of them may and can take it, or the whole object is refused. */
function placeNamed(
  client: { peerId: PeerId },
  needed: readonly ShardToPut[],
  holding: readonly Holder[],
  { avoid, candidateOf }: { avoid: readonly PeerId[]; candidateOf: (peerId: PeerId) => Candidate | undefined },
): NamedDecision {
  const excluded = new Set([client.peerId, ...avoid, ...holding.map(({ peerId }) => peerId)]);
  const placed: { index: number; peerId: PeerId }[] = [];
  const networks = new Set(holding.map(({ network }) => network));
  const holders: Holder[] = [];
  for (const { index, sizeBytes, target } of needed) {
    if (target === undefined) continue;
    const candidate = candidateOf(target);
    const isTaken = excluded.has(target) || networks.has(candidate?.network ?? null);
    if (candidate === undefined || isTaken || candidate.availableBytes < sizeBytes) {
      return { ok: false, code: 'target_unavailable', hostId: target };
    }
    excluded.add(target);
    networks.add(candidate.network);
    placed.push({ index, peerId: target });
    holders.push(candidate);
  }
  return { ok: true, placed, holders };
}

function faultOf(wanted: ObjectToPut): string | null {
  if (wanted.dataShards > wanted.totalShards) return 'dataShards: more than totalShards';
  if (wanted.shards.some(({ index }) => index >= wanted.totalShards)) return 'shards: an index past totalShards';
  // Whoever names both hosts would decide alone who has the only copy.
  if (wanted.shards.some(({ target, insteadOf }) => target !== undefined && insteadOf !== undefined))
    return 'shards: target together with insteadOf';
  if (new Set(wanted.shards.map(({ index }) => index)).size < wanted.shards.length) return 'shards: an index twice';
  return null;
}

/** Is what the broker knows under this id another object, or are its shards other bytes? */
function isOther(
  accountId: AccountId,
  wanted: ObjectToPut,
  { object, shards }: { object: StoredObject; shards: readonly StoredShard[] },
): boolean {
  if (object.deletedAtMs !== null) return true;
  if (object.accountId !== accountId || object.kind !== wanted.kind || object.sizeBytes !== wanted.sizeBytes)
    return true;
  if (object.dataShards !== wanted.dataShards || object.totalShards !== wanted.totalShards) return true;
  const known = new Map(shards.map((shard) => [shard.index, shard]));
  return wanted.shards.some(({ index, cid, sizeBytes }) => {
    const shard = known.get(index);
    return shard !== undefined && (shard.cid !== cid || shard.sizeBytes !== sizeBytes);
  });
}
