// Makes what a first backup of a terabyte leaves: the list of its objects, and the index objects that say where chunks lie.
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deriveDataKeys } from '#backup';
import { type ContentId, formatTime, type ListedObject, type ObjectId, type ObjectKind, uuidV7 } from '#protocol';
import type { IndexedObjectEntries } from '../../libs/backup/src/chunk-index-codec.js';
import { identifyChunk } from '../../libs/backup/src/chunking/chunk-id.js';
import { CHUNK_BYTES_AVERAGE, OBJECT_TARGET_BYTES } from '../../libs/backup/src/limits.js';
import { ObjectBuilder } from '../../libs/backup/src/objects/object-builder.js';
import { CHUNK_OVERHEAD_BYTES, FIRST_CHUNK_OFFSET } from '../../libs/backup/src/objects/object-codec.js';
import { codeObject } from '../../libs/backup/src/put/code-object.js';
import { indexDocuments } from '../../libs/backup/src/trees/index-documents.js';

export interface MadeAccount {
  readonly masterKey: string;
  readonly objects: readonly ListedObject[];
  /** The content ids of each index object's shards, by its id. */
  readonly shards: Readonly<Record<string, readonly ContentId[]>>;
  readonly shardBytes: Readonly<Record<string, number>>;
}

const CODE = { dataShards: 4, totalShards: 6 };
const CHUNKS_PER_OBJECT = OBJECT_TARGET_BYTES / CHUNK_BYTES_AVERAGE;
/** A backup publishes an index so often. */
const OBJECTS_PER_INDEX = 64;
const STARTED_MS = Date.UTC(2026, 0, 1);

/** In `folder`: account.json, and the shards of index objects under shards/. Data objects are listed only. */
export function makeAccount(folder: string, chunks: number): void {
  mkdirSync(join(folder, 'shards'));
  const masterKey = randomBytes(32);
  const keys = deriveDataKeys(masterKey);
  const objects: ListedObject[] = [];
  const shards: Record<string, ContentId[]> = {};
  const shardBytes: Record<string, number> = {};
  const list = (objectId: ObjectId, kind: ObjectKind, sizeBytes: number): void => {
    const createdAt = formatTime(STARTED_MS + objects.length);
    objects.push({ objectId, kind, sizeBytes, ...CODE, storedShards: CODE.totalShards, createdAt });
  };
  const newId = (): ObjectId => uuidV7<ObjectId>(STARTED_MS + objects.length, randomBytes(10));

  const builder = new ObjectBuilder(keys, 'index', randomBytes);
  let unpublished: IndexedObjectEntries[] = [];
  for (let made = 0; made < chunks; made += CHUNKS_PER_OBJECT) {
    const objectId = newId();
    unpublished.push({ objectId, kind: 'data', entries: someEntries(Math.min(CHUNKS_PER_OBJECT, chunks - made)) });
    list(objectId, 'data', OBJECT_TARGET_BYTES);
    if (unpublished.length < OBJECTS_PER_INDEX && made + CHUNKS_PER_OBJECT < chunks) continue;
    for (const document of indexDocuments(unpublished)) builder.add(identifyChunk(keys.chunkIdKey, document));
    unpublished = [];
    const sealed = builder.seal(newId());
    const coded = codeObject(sealed, CODE);
    for (const [i, { cid }] of coded.shards.entries()) writeFileSync(join(folder, 'shards', cid), coded.bytes[i]!);
    shards[sealed.objectId] = coded.shards.map(({ cid }) => cid);
    shardBytes[sealed.objectId] = coded.bytes[0]!.length;
    list(sealed.objectId, 'index', sealed.bytes.length);
  }
  const account: MadeAccount = { masterKey: masterKey.toString('hex'), objects, shards, shardBytes };
  writeFileSync(join(folder, 'account.json'), JSON.stringify(account));
}

function someEntries(count: number): IndexedObjectEntries['entries'] {
  const storedBytes = CHUNK_BYTES_AVERAGE + CHUNK_OVERHEAD_BYTES;
  return Array.from({ length: count }, (_, index) => ({
    chunkId: randomBytes(32),
    index,
    offset: FIRST_CHUNK_OFFSET + index * storedBytes,
    storedBytes,
    rawBytes: CHUNK_BYTES_AVERAGE,
  }));
}
