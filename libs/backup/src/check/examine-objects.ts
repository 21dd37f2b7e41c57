// Looks at stored objects from outside: which of their shards are where they should be, and, when they are read, whole.
import { joinObject } from '#erasure';
import {
  type ErrorCode,
  isRefusal,
  type ListedObject,
  OBJECTS_PER_REQUEST_MAX,
  type ObjectId,
  type ObjectToGet,
  type PeerId,
  ProtocolError,
} from '#protocol';
import type { ObjectFetcher } from '../get/object-fetcher.js';
import type { DataKeys } from '../keys.js';
import { objectKeyOf, openChunk, openObject } from '../objects/open-object.js';
import { codeOf } from '../put/code-object.js';

/** Few, since all of their shards come over one line while their tokens live: an aged token is no damaged object. */
const OBJECTS_READ_AT_ONCE = 4;

/**
 * away       its host is not there now, or does not serve it now
 * unplaced   no host has it
 * missing    its host says that it does not have it
 * damaged    its host has other bytes
 */
export type ShardState = 'away' | 'unplaced' | 'missing' | 'damaged';

export interface ShardFault {
  readonly objectId: ObjectId;
  readonly index: number;
  /** Null when no host has it. */
  readonly peerId: PeerId | null;
  readonly state: ShardState;
}

export interface Examined {
  readonly object: ListedObject;
  readonly faults: readonly ShardFault[];
  /** Why it cannot be had, or is not what was stored; null for a whole object. */
  readonly failure: ProtocolError | null;
}

export interface ExaminerParts {
  readonly keys: DataKeys;
  readonly fetcher: Pick<ObjectFetcher, 'permissionsFor' | 'fetchEveryShard'>;
}

/** Ask the broker which hosts of each object are online. That a shard was stored once says nothing about today. */
export async function* examinePlaces(
  { fetcher }: ExaminerParts,
  objects: readonly ListedObject[],
  signal: AbortSignal,
): AsyncGenerator<Examined> {
  for await (const [object, permission] of permitted(fetcher, objects, OBJECTS_PER_REQUEST_MAX, signal)) {
    yield { object, faults: faultsOf(permission, new Map()), failure: whyUnavailable(permission) };
  }
}

/** Fetch every shard of each object, and open everything that they make. */
export async function* examineBytes(
  { keys, fetcher }: ExaminerParts,
  objects: readonly ListedObject[],
  signal: AbortSignal,
): AsyncGenerator<Examined> {
  for await (const [object, permission] of permitted(fetcher, objects, OBJECTS_READ_AT_ONCE, signal)) {
    const { shards, failures } = await fetcher.fetchEveryShard(permission, signal);
    yield { object, faults: faultsOf(permission, failures), failure: whyNotWhole(keys, permission, shards) };
  }
}

async function* permitted(
  fetcher: ExaminerParts['fetcher'],
  objects: readonly ListedObject[],
  atOnce: number,
  signal: AbortSignal,
): AsyncGenerator<readonly [ListedObject, ObjectToGet]> {
  for (let first = 0; first < objects.length; first += atOnce) {
    const group = objects.slice(first, first + atOnce);
    const ids = group.map(({ objectId }) => objectId);
    const permissions = await fetcher.permissionsFor(ids, signal);
    for (const object of group) {
      const permission = permissions.get(object.objectId);
      if (permission === undefined) throw new ProtocolError('answer_untrusted', { objectId: object.objectId });
      if (signal.aborted) throw new ProtocolError('interrupted');
      yield [object, permission];
    }
  }
}

function faultsOf(
  { objectId, totalShards, permissions, offline }: ObjectToGet,
  failures: ReadonlyMap<number, ErrorCode>,
): ShardFault[] {
  const there = new Map(permissions.map(({ index, host }) => [index, host.peerId]));
  const away = new Map(offline.map(({ index, peerId }) => [index, peerId]));
  return Array.from({ length: totalShards }, (_, index) => index).flatMap((index): ShardFault[] => {
    const awayAt = away.get(index);
    if (awayAt !== undefined) return [{ objectId, index, peerId: awayAt, state: 'away' }];
    const peerId = there.get(index);
    if (peerId === undefined) return [{ objectId, index, peerId: null, state: 'unplaced' }];
    const code = failures.get(index);
    return code === undefined ? [] : [{ objectId, index, peerId, state: STATE_OF[code] ?? 'away' }];
  });
}

const STATE_OF: Partial<Record<ErrorCode, ShardState>> = {
  shard_unknown: 'missing',
  shard_corrupt: 'damaged',
  shard_content_mismatch: 'damaged',
  shard_too_short: 'damaged',
  shard_too_long: 'damaged',
};

function whyUnavailable({ objectId, permissions, dataShards }: ObjectToGet): ProtocolError | null {
  if (permissions.length >= dataShards) return null;
  const detail = `${permissions.length} of its hosts are online, and it needs ${dataShards}`;
  return new ProtocolError('object_unavailable', { objectId, present: permissions.length }, { detail });
}

function whyNotWhole(
  keys: DataKeys,
  { objectId, sizeBytes, dataShards, totalShards }: ObjectToGet,
  shards: readonly (Buffer | null)[],
): ProtocolError | null {
  const present = shards.filter((shard) => shard !== null).length;
  if (present < dataShards) {
    const detail = `${present} of its shards can be had, and it needs ${dataShards}`;
    return new ProtocolError('object_unavailable', { objectId, present }, { detail });
  }
  try {
    const wanted = Array.from({ length: dataShards }, (_, index) => index);
    const joined = joinObject(codeOf(dataShards, totalShards).reconstruct(shards, wanted), sizeBytes);
    const bytes = Buffer.from(joined.buffer, joined.byteOffset, joined.byteLength);
    const key = objectKeyOf(keys, objectId, bytes);
    for (const entry of openObject(key, bytes).entries) openChunk(keys, key, bytes, entry);
    return null;
  } catch (error) {
    if (isRefusal(error)) return error;
    throw error;
  }
}
