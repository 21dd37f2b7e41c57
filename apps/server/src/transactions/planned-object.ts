// What a request to put becomes once it is planned: objects, the hosts of their shards, and the rows of those. Pure.
import {
  type AccountId,
  type HostWishes,
  type ObjectId,
  type ObjectToPut,
  type PeerAddress,
  type PeerId,
  ProtocolError,
  RETAIN_MS_MAX,
  type ShardToPut,
  timeOf,
} from '#protocol';
import type { StoredObject, StoredShard } from '../objects/object-rows.js';
import type { PutPlan } from './plan-put.js';
import type { NewTransaction } from './transaction-rows.js';

/** One shard of the request with the host that the plan gave it. */
export interface PlacedShard {
  readonly objectId: ObjectId;
  readonly shard: ShardToPut;
  readonly cid: ShardToPut['cid'];
  /** What the put costs. */
  readonly charge: number;
  readonly host: PeerAddress;
  readonly hostAccountId: AccountId;
  readonly retainUntilMs: number | null;
}

export interface PlannedObject {
  readonly wanted: ObjectToPut;
  readonly isNew: boolean;
  readonly plan: PutPlan;
  /** The name of the object's class. */
  readonly durability: string;
  readonly wishes: HostWishes;
}

/** throws request_invalid for a time that is past, or farther away than a token may say */
export function retainTime({ retainUntil }: ObjectToPut, nowMs: number): number | null {
  if (retainUntil === undefined) return null;
  const untilMs = timeOf(retainUntil);
  if (untilMs > nowMs && untilMs - nowMs <= RETAIN_MS_MAX) return untilMs;
  throw new ProtocolError('request_invalid', {}, { detail: 'retainUntil: past, or too far away' });
}

/** The row of an object that is new. */
export function objectOf(
  { wanted, plan, durability, wishes }: PlannedObject,
  { accountId, peerId: clientId }: { readonly accountId: AccountId; readonly peerId: PeerId },
  nowMs: number,
): StoredObject {
  const { objectId, kind, sizeBytes, dataShards, totalShards } = wanted;
  return {
    objectId,
    accountId,
    clientId,
    kind,
    sizeBytes,
    dataShards,
    totalShards,
    safeShards: plan.safeShards,
    storedShards: 0,
    createdAtMs: nowMs,
    deletedAtMs: null,
    retainUntilMs: retainTime(wanted, nowMs),
    durability,
    wishes,
  };
}

/** The rows of the shards of these objects; each knows the put that is to store it. */
export function shardsOf(planned: readonly PlannedObject[], transactions: readonly NewTransaction[]): StoredShard[] {
  const putOf = new Map(transactions.map((put) => [`${put.objectId} ${put.shardIndex}`, put]));
  return planned.flatMap(({ wanted, plan }) => {
    const costs = agreedCharges(plan);
    return plan.placing.flatMap(({ shard, hostId, moves }): StoredShard[] => {
      if (moves !== null) return [];
      const put = putOf.get(`${wanted.objectId} ${shard.index}`);
      return [
        {
          objectId: wanted.objectId,
          index: shard.index,
          cid: shard.cid,
          sizeBytes: shard.sizeBytes,
          state: hostId === null ? 'unplaced' : 'placing',
          hostId,
          transactionId: put?.id ?? null,
          transactionItem: put?.item ?? 0,
          retainUntilMs: wanted.retainUntil === undefined ? null : timeOf(wanted.retainUntil),
          charge: costs.get(shard.index) ?? 0,
        },
      ];
    });
  });
}

/**
 * What shards that are to be put again, or elsewhere, cost already: the price of an object stays what was agreed, and a
 * put that brings such a shard to a host costs nothing more.
 */
export function agreedCharges({ placing, replaces }: PutPlan): ReadonlyMap<number, number> {
  const known = [...replaces, ...placing.flatMap(({ moves }) => moves ?? [])];
  return new Map(known.filter(({ charge }) => charge > 0).map(({ index, charge }) => [index, charge]));
}

/** The stored shards of these objects that get another place, with the put that is to bring each there. */
export function movesOf(
  planned: readonly PlannedObject[],
  transactions: readonly NewTransaction[],
): { readonly shard: StoredShard; readonly put: NewTransaction }[] {
  const putOf = new Map(transactions.map((put) => [`${put.objectId} ${put.shardIndex}`, put]));
  return planned.flatMap(({ plan }) =>
    plan.placing.flatMap(({ moves: shard }) => {
      const put = shard === null ? undefined : putOf.get(`${shard.objectId} ${shard.index}`);
      return shard === null || put === undefined ? [] : [{ shard, put }];
    }),
  );
}
