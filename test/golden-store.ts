// A store of golden data: the broker's list and the hosts' shards as they lie in test/golden/<version>, and what is in them.
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock } from '#process';
import { type ListedObject, type ObjectId, type PeerId, ProtocolError, type TransactionId } from '#protocol';
import { ChunkIndexFile } from '../libs/backup/src/chunk-index-file.js';
import { ObjectCache } from '../libs/backup/src/get/object-cache.js';
import { ObjectFetcher } from '../libs/backup/src/get/object-fetcher.js';
import { TreeReader } from '../libs/backup/src/get/tree-reader.js';
import { deriveDataKeys } from '../libs/backup/src/keys.js';
import type { BrokerPort, EngineEvent, HostsPort } from '../libs/backup/src/ports.js';
import { codeObject } from '../libs/backup/src/put/code-object.js';
import { ReportOutbox } from '../libs/backup/src/put/report-outbox.js';

/** An entry as the disk and Debian's tools told it when the data was made. Paths and other bytes are latin1 text. */
export interface GoldenEntry {
  readonly path: string;
  readonly type: string;
  readonly mode: number;
  readonly mtimeNs: string;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes?: number;
  readonly sha256?: string;
  readonly linkTarget?: string;
  readonly ctimeNs?: string;
  readonly inode?: string;
  readonly hardLink?: string;
  readonly device?: { readonly major: number; readonly minor: number };
  /** Values in hex, by name. */
  readonly xattrs?: Readonly<Record<string, string>>;
}

export interface GoldenSnapshot {
  readonly id: ObjectId;
  readonly document: unknown;
  readonly entries: readonly GoldenEntry[];
}

interface GoldenData {
  readonly masterKey: string;
  readonly objects: readonly ListedObject[];
  readonly snapshots: readonly GoldenSnapshot[];
}

const ONE_COPY = { dataShards: 1, totalShards: 1 };
const HOST = { peerId: '0193f3a0-0000-7000-8000-00000000000a' as PeerId, address: '127.0.0.1', port: 1 };

/** A machine with the master key and nothing else; `remove` ends it. */
export async function openGoldenStore(version: string) {
  const at = (name: string): string => join(import.meta.dirname, 'golden', version, name);
  const data: GoldenData = JSON.parse(readFileSync(at('expected.json'), 'utf8'));
  const unavailable = new Set<ObjectId>();
  const events: EngineEvent[] = [];
  const bytesOf = (objectId: ObjectId): Buffer => readFileSync(at(`${objectId}.object`));

  // One of one: the only shard is the object, filled up to a whole number of its code's units.
  const shardOf = (objectId: ObjectId) => {
    const coded = codeObject({ objectId, kind: 'data', bytes: bytesOf(objectId), entries: [] }, ONE_COPY);
    return { ...coded.shards[0]!, bytes: Buffer.from(coded.bytes[0]!) };
  };

  const broker: Pick<BrokerPort, 'listObjects' | 'beginGet'> = {
    listObjects: async () => ({ objects: [...data.objects], next: null }),
    beginGet: async ({ objects }) => ({
      objects: objects.map(({ objectId }) => {
        const { sizeBytes, kind } = listed(objectId);
        const { bytes: _bytes, ...shard } = shardOf(objectId);
        const transactionId = objectId as string as TransactionId;
        return {
          objectId,
          kind,
          sizeBytes,
          offline: [],
          ...ONE_COPY,
          permissions: [{ ...shard, transactionId, token: objectId, host: HOST }],
        };
      }),
    }),
  };
  const hosts: Pick<HostsPort, 'getShard'> = {
    getShard: async ({ token, into }) => {
      if (unavailable.has(token as ObjectId)) throw new ProtocolError('shard_unknown');
      const { bytes } = shardOf(token as ObjectId);
      into?.set(bytes);
      return { bytes, receipt: null };
    },
  };
  const listed = (objectId: ObjectId): ListedObject => {
    const object = data.objects.find((one) => one.objectId === objectId);
    if (object === undefined) throw new ProtocolError('object_unknown');
    return object;
  };

  const folder = await mkdtemp(join(tmpdir(), 'peerkeep-golden-'));
  const keys = deriveDataKeys(Buffer.from(data.masterKey, 'hex'));
  const cache = await ChunkIndexFile.open({ path: join(folder, 'chunks.index'), cacheKey: keys.cacheKey });
  const ports = {
    broker: broker as Partial<BrokerPort> as BrokerPort,
    hosts: hosts as Partial<HostsPort> as HostsPort,
  };
  const outbox = await ReportOutbox.open(join(folder, 'reports.jsonl'), ports.broker);
  const clock = new FakeClock(Date.UTC(2026, 10, 21));
  const onEvent = (event: EngineEvent): number => events.push(event);
  const fetcher = new ObjectFetcher({ ...ports, outbox, clock, onEvent });
  const objects = new ObjectCache(keys, fetcher);
  const trees = new TreeReader(cache.index, objects);
  const remove = async (): Promise<void> => {
    await cache.close();
    await outbox.close();
    await rm(folder, { recursive: true });
  };
  return {
    data,
    unavailable,
    events,
    broker: ports.broker,
    keys,
    cache,
    clock,
    fetcher,
    objects,
    trees,
    onEvent,
    folder,
    remove,
  };
}
