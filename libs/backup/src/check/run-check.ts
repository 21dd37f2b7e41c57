// Checks that every snapshot can be restored: its trees, the places of its chunks, and, when asked, every stored byte.
import { joinObject, ReedSolomon } from '#erasure';
import {
  type ErrorCode,
  isRefusal,
  type ListedObject,
  OBJECTS_PER_REQUEST_MAX,
  type ObjectId,
  type PeerId,
  ProtocolError,
} from '#protocol';
import type { ChunkIndexFile } from '../chunk-index-file.js';
import { isLossOfData } from '../get/loss-of-data.js';
import type { ObjectCache } from '../get/object-cache.js';
import type { ObjectFetcher } from '../get/object-fetcher.js';
import type { TreeReader } from '../get/tree-reader.js';
import type { DataKeys } from '../keys.js';
import { objectKeyOf, openChunk, openObject } from '../objects/open-object.js';
import type { OnEvent } from '../ports.js';
import type { StoredSnapshot } from '../snapshots/list-snapshots.js';

/** Few, since all of their shards come over one line while their tokens live: an aged token is no damaged object. */
const OBJECTS_ASKED_AT_ONCE = 4;

export interface CheckRequest {
  readonly snapshots: readonly StoredSnapshot[];
  /** Snapshots that could not even be opened. */
  readonly lostSnapshots: readonly ObjectId[];
  readonly listed: readonly ListedObject[];
  /** Fetch every shard and open every chunk. */
  readonly readData: boolean;
  readonly signal: AbortSignal;
  readonly onEvent: OnEvent;
}

export interface CheckSummary {
  readonly snapshots: number;
  readonly objects: number;
  /** Objects with fewer shards on hosts that are online than their code has: still whole, with less to spare. */
  readonly underReplicated: number;
  /** Objects that cannot be had now: fewer of their hosts are online than they need. */
  readonly unavailableObjects: readonly ObjectId[];
  /** Chunks that a snapshot names and no object has, folders that cannot be read, and files whose list cannot. */
  readonly missingChunks: number;
  /** Objects that could not be put together, or did not open. */
  readonly damagedObjects: readonly ObjectId[];
  readonly badHosts: readonly { readonly peerId: PeerId; readonly code: ErrorCode }[];
  readonly ok: boolean;
}

export interface CheckParts {
  readonly keys: DataKeys;
  readonly cache: ChunkIndexFile;
  readonly trees: TreeReader;
  readonly objects: ObjectCache;
  readonly fetcher: ObjectFetcher;
}

export async function runCheck(parts: CheckParts, request: CheckRequest): Promise<CheckSummary> {
  const missing = new Set<string>();
  for (const { id, snapshot } of request.snapshots) {
    await checkTrees(parts, request, id, snapshot.root, missing);
  }
  const { underReplicated, unavailable } = await checkHosts(parts, request);
  const read = request.readData ? await checkEveryObject(parts, request) : [];
  const damaged = [...new Set([...request.lostSnapshots, ...read])];
  return {
    snapshots: request.snapshots.length + request.lostSnapshots.length,
    objects: request.listed.length,
    underReplicated,
    unavailableObjects: unavailable,
    missingChunks: missing.size,
    damagedObjects: damaged,
    badHosts: [...parts.fetcher.badHosts].map(([peerId, code]) => ({ peerId, code })),
    ok: missing.size === 0 && damaged.length === 0 && unavailable.length === 0,
  };
}

/** Ask the broker which hosts of each object are online. That a shard was stored once says nothing about today. */
async function checkHosts(
  parts: CheckParts,
  { listed, signal, onEvent }: CheckRequest,
): Promise<{ underReplicated: number; unavailable: ObjectId[] }> {
  const unavailable: ObjectId[] = [];
  let underReplicated = 0;
  for (let first = 0; first < listed.length; first += OBJECTS_PER_REQUEST_MAX) {
    const group = listed.slice(first, first + OBJECTS_PER_REQUEST_MAX).map(({ objectId }) => objectId);
    for (const { objectId, permissions, dataShards, totalShards } of (
      await parts.fetcher.permissionsFor(group, signal)
    ).values()) {
      if (permissions.length < totalShards) underReplicated++;
      if (permissions.length >= dataShards) continue;
      unavailable.push(objectId);
      const detail = `object ${objectId}: ${permissions.length} of its hosts are online, and it needs ${dataShards}`;
      onEvent({ kind: 'warning', code: 'object_unavailable', detail });
    }
  }
  return { underReplicated, unavailable };
}

/** Every directory of a snapshot is read, and every chunk of its files has a place. */
async function checkTrees(
  parts: CheckParts,
  request: CheckRequest,
  id: ObjectId,
  root: readonly string[],
  missing: Set<string>,
): Promise<void> {
  const tellLost = (steps: readonly Uint8Array[], { code, message }: ProtocolError): void => {
    const path = steps.map((name) => Buffer.from(name).toString()).join('/');
    request.onEvent({ kind: 'skipped', path: path || '/', code, reason: `in snapshot ${id}: ${message}` });
  };
  for await (const next of parts.trees.walk(root, () => true, request.signal)) {
    if (request.signal.aborted) throw new ProtocolError('interrupted');
    if (next.step === 'lost') {
      missing.add(`folder ${next.parents.map((name) => Buffer.from(name).toString('hex')).join('/')} of ${id}`);
      tellLost(next.parents, next.failure);
      continue;
    }
    if (next.step === 'leave' || next.entry.type !== 'file') continue;
    const steps = [...next.parents, next.entry.name];
    try {
      for await (const chunk of parts.trees.contentOf(next.entry, request.signal)) {
        const lost = whyNoPlace(parts.trees, chunk);
        if (lost === null || missing.has(chunk)) continue;
        missing.add(chunk);
        tellLost(steps, lost);
      }
    } catch (error) {
      if (!isLossOfData(error)) throw error;
      missing.add(`content of ${steps.map((name) => Buffer.from(name).toString('hex')).join('/')} of ${id}`);
      tellLost(steps, error);
    }
  }
}

function whyNoPlace(trees: TreeReader, chunk: string): ProtocolError | null {
  try {
    trees.locate(chunk);
    return null;
  } catch (error) {
    if (isRefusal(error, 'chunk_missing')) return error;
    throw error;
  }
}

/** Fetch all shards of all objects; returns the objects that are not whole. Hosts with bad shards are named on the way. */
async function checkEveryObject(parts: CheckParts, request: CheckRequest): Promise<ObjectId[]> {
  const damaged: ObjectId[] = [];
  let bytesDone = 0;
  for (let first = 0; first < request.listed.length; first += OBJECTS_ASKED_AT_ONCE) {
    const group = request.listed.slice(first, first + OBJECTS_ASKED_AT_ONCE);
    const permissions = await parts.fetcher.permissionsFor(
      group.map(({ objectId }) => objectId),
      request.signal,
    );
    for (const { objectId, sizeBytes, dataShards, totalShards } of group) {
      const permission = permissions.get(objectId);
      if (permission === undefined) throw new ProtocolError('answer_untrusted', { objectId });
      const shards = await parts.fetcher.fetchEveryShard(permission, request.signal);
      const failure = whyNotWhole(parts, { objectId, sizeBytes, dataShards, totalShards }, shards);
      if (failure !== null) {
        damaged.push(objectId);
        request.onEvent({ kind: 'warning', code: failure.code, detail: `object ${objectId}: ${failure.message}` });
      }
      bytesDone += sizeBytes;
      request.onEvent({ kind: 'progress', filesDone: 0, bytesDone, bytesTotal: null, bytesStored: 0, hosts: 0 });
    }
  }
  return damaged;
}

function whyNotWhole(
  parts: CheckParts,
  object: Pick<ListedObject, 'objectId' | 'sizeBytes' | 'dataShards' | 'totalShards'>,
  shards: readonly (Buffer | null)[],
): ProtocolError | null {
  try {
    const wanted = Array.from({ length: object.dataShards }, (_, index) => index);
    const code = new ReedSolomon(object.dataShards, object.totalShards);
    const joined = joinObject(code.reconstruct(shards, wanted), object.sizeBytes);
    const bytes = Buffer.from(joined.buffer, joined.byteOffset, joined.byteLength);
    const key = objectKeyOf(parts.keys, object.objectId, bytes);
    for (const entry of openObject(key, bytes).entries) openChunk(parts.keys, key, bytes, entry);
    return null;
  } catch (error) {
    if (isRefusal(error)) return error;
    throw error;
  }
}
