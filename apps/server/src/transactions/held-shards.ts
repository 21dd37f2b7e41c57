// Finds which hosts hold the shards of an account's objects, and which of them are there now.
import type { EntityManager } from 'typeorm';
import { type ObjectId, type PeerId, ProtocolError } from '#protocol';
import type { Caller } from '../control/caller.js';
import { findObjects, findShards, type StoredObject, type StoredShard } from '../objects/object-rows.js';
import type { OnlineHost, OnlineHosts } from '../placement/online-hosts.js';

export interface WantedObject {
  readonly objectId: ObjectId;
  readonly avoid: readonly PeerId[];
  /** The one host that is asked for (B11). */
  readonly target?: PeerId | undefined;
}

export interface HeldObject {
  readonly object: StoredObject;
  readonly there: readonly { readonly shard: StoredShard; readonly host: OnlineHost }[];
  readonly offline: { readonly index: number; readonly peerId: PeerId }[];
}

/**
 * In the order of `wanted`. Hosts to avoid are left out.
 *
 * throws   request_invalid | object_unknown, also for an object of another account | target_unavailable when the host
 *          that is asked for holds no shard of the object, or is not there
 */
export async function findHeld(
  db: EntityManager,
  caller: Caller,
  wanted: readonly WantedObject[],
  hosts: OnlineHosts,
): Promise<HeldObject[]> {
  const ids = [...new Set(wanted.map(({ objectId }) => objectId))];
  if (ids.length < wanted.length)
    throw new ProtocolError('request_invalid', {}, { detail: 'objects: an object twice' });
  const objects = await findObjects(db, ids);
  const shards = await findShards(db, ids);
  return wanted.map(({ objectId, avoid, target }) => {
    const object = objects.get(objectId);
    if (object === undefined || object.accountId !== caller.peer.accountId || object.deletedAtMs !== null) {
      throw new ProtocolError('object_unknown', { objectId });
    }
    const there: { shard: StoredShard; host: OnlineHost }[] = [];
    const offline: HeldObject['offline'] = [];
    for (const shard of shards) {
      const { hostId } = shard;
      if (shard.objectId !== objectId || shard.state !== 'stored' || hostId === null || avoid.includes(hostId))
        continue;
      if (target !== undefined && hostId !== target) continue;
      const host = hosts.find(hostId);
      if (host === undefined) offline.push({ index: shard.index, peerId: hostId });
      else there.push({ shard, host });
    }
    if (target !== undefined && there.length === 0) {
      throw new ProtocolError('target_unavailable', { objectId, hostId: target });
    }
    return { object, there, offline };
  });
}
