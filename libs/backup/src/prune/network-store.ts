// The account as it really is: listed by the broker, stored on hosts, sealed with the account's keys.
import { isRefusal, type ListedObject, OBJECTS_PER_REQUEST_MAX, type ObjectId, type ObjectToGet } from '#protocol';
import type { ChunkLocation } from '../chunk-index.js';
import { identifyChunk } from '../chunking/chunk-id.js';
import type { ObjectDeleter } from '../delete/object-deleter.js';
import type { ObjectCache } from '../get/object-cache.js';
import type { ObjectFetcher } from '../get/object-fetcher.js';
import type { DataKeys } from '../keys.js';
import { ObjectBuilder } from '../objects/object-builder.js';
import type { ObjectKind } from '../objects/object-codec.js';
import { openObject } from '../objects/open-object.js';
import type { RandomBytes } from '../objects/shuffle.js';
import type { BrokerPort } from '../ports.js';
import type { ObjectUploader } from '../put/object-uploader.js';
import type { ReportOutbox } from '../put/report-outbox.js';
import { listEveryObject } from '../snapshots/sync-cache.js';
import type { AccountStore, Deletion, StoredChunks } from './account-store.js';

export interface NetworkStoreParts {
  readonly broker: Pick<BrokerPort, 'listObjects'>;
  /** The broker's time, as its answers tell it. */
  readonly brokerNowMs: () => number;
  readonly objects: Pick<ObjectCache, 'announce' | 'get' | 'chunk'>;
  readonly fetcher: Pick<ObjectFetcher, 'permissionsFor'>;
  readonly uploader: Pick<ObjectUploader, 'store'>;
  readonly deleter: Pick<ObjectDeleter, 'delete'>;
  readonly outbox: Pick<ReportOutbox, 'flush'>;
  readonly keys: DataKeys;
  readonly randomBytes: RandomBytes;
  readonly newObjectId: () => ObjectId;
}

export class NetworkStore implements AccountStore {
  constructor(private readonly parts: NetworkStoreParts) {}

  list(kind: ObjectKind | null, signal: AbortSignal): Promise<ListedObject[]> {
    return listEveryObject(this.parts.broker, signal, kind);
  }

  nowMs(): number {
    return this.parts.brokerNowMs();
  }

  announce(objectIds: readonly ObjectId[], signal: AbortSignal): Promise<void> {
    return this.parts.objects.announce(objectIds, signal);
  }

  async open(objectId: ObjectId, signal: AbortSignal): Promise<StoredChunks> {
    const { key, bytes } = await this.parts.objects.get(objectId, signal);
    return { objectId, ...openObject(key, bytes) };
  }

  chunk(location: ChunkLocation, signal: AbortSignal): Promise<Buffer> {
    return this.parts.objects.chunk(location, signal);
  }

  async present(objectIds: readonly ObjectId[], signal: AbortSignal): Promise<ReadonlySet<ObjectId>> {
    const present = new Set<ObjectId>();
    for (let first = 0; first < objectIds.length; first += OBJECTS_PER_REQUEST_MAX) {
      const group = objectIds.slice(first, first + OBJECTS_PER_REQUEST_MAX);
      for (const { objectId, permissions, dataShards } of await this.found(group, signal)) {
        if (permissions.length >= dataShards) present.add(objectId);
      }
    }
    return present;
  }

  /** One object that is deleted meanwhile makes the broker refuse all that are asked for with it. */
  private async found(objectIds: readonly ObjectId[], signal: AbortSignal): Promise<ObjectToGet[]> {
    try {
      return [...(await this.parts.fetcher.permissionsFor(objectIds, signal)).values()];
    } catch (error) {
      if (!isRefusal(error, 'object_unknown')) throw error;
      if (objectIds.length === 1) return [];
    }
    const found: ObjectToGet[] = [];
    for (const objectId of objectIds) found.push(...(await this.found([objectId], signal)));
    return found;
  }

  async store(kind: ObjectKind, plaintexts: readonly Uint8Array[], signal: AbortSignal): Promise<StoredChunks> {
    const { keys, randomBytes, newObjectId, uploader } = this.parts;
    const builder = new ObjectBuilder(keys, kind, randomBytes);
    for (const plaintext of plaintexts) builder.add(identifyChunk(keys.chunkIdKey, plaintext));
    const sealed = builder.seal(newObjectId());
    await uploader.store(sealed, signal);
    const { objectId, entries } = sealed;
    return { objectId, kind, entries };
  }

  settle(signal: AbortSignal): Promise<void> {
    return this.parts.outbox.flush(signal);
  }

  async delete(objectIds: readonly ObjectId[], signal: AbortSignal): Promise<Deletion> {
    if (objectIds.length === 0) return { deleted: [], pending: 0, retained: [] };
    const { deleted, pending, retained } = await this.parts.deleter.delete(objectIds, signal);
    // The broker forgets sooner what hosts have told it of.
    await this.parts.outbox.flush(signal);
    const kept = retained.map(({ objectId }) => objectId);
    return { deleted: [...deleted, ...pending], pending: pending.length, retained: kept };
  }
}
