// A snapshot that lies in sealed objects in memory, made of plain descriptions: what a restore reads, without a network.
import { randomBytes } from 'node:crypto';
import { encodeBase64url, type ObjectId, ProtocolError, uuidV7 } from '#protocol';
import { ChunkIndex } from '../../chunk-index.js';
import { identifyChunk } from '../../chunking/chunk-id.js';
import { ObjectCache } from '../../get/object-cache.js';
import { TreeReader } from '../../get/tree-reader.js';
import { deriveDataKeys } from '../../keys.js';
import { ObjectBuilder } from '../../objects/object-builder.js';
import { objectKeyOf } from '../../objects/open-object.js';
import type { Snapshot } from '../../trees/snapshot-codec.js';
import { type EntryMetadata, TreeEncoder, type TreeEntry } from '../../trees/tree-codec.js';

type Described = Partial<Omit<EntryMetadata, 'name'>>;
/** `chunks`: the bytes of a file, in pieces. `entries`: what a folder holds. */
export type Plain =
  | (Described & { readonly chunks: readonly (string | Uint8Array)[]; readonly hardLink?: string })
  | (Described & { readonly entries: PlainFolder })
  | (Described & { readonly linkTarget: string })
  | (Described & {
      readonly special: 'fifo' | 'socket' | 'chardev' | 'blockdev';
      readonly device?: { major: number; minor: number };
    });
/** By name, as latin1 text: any byte can be said. */
export type PlainFolder = Readonly<Record<string, Plain>> | ReadonlyMap<string, Plain>;

const OWN = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const CHUNKS_PER_OBJECT = 4;
const KEYS = deriveDataKeys(Buffer.alloc(32, 7));
/** They own large buffers, and serve one snapshot after another. */
const BUILDERS = {
  data: new ObjectBuilder(KEYS, 'data', randomBytes),
  tree: new ObjectBuilder(KEYS, 'tree', randomBytes),
};

export class StoredSnapshot {
  readonly keys = KEYS;
  readonly index = new ChunkIndex();
  /** The data objects that were asked for, in order. */
  readonly fetched: ObjectId[] = [];
  /** Data objects that no host has. */
  readonly lost = new Set<ObjectId>();
  readonly objects: ObjectCache;
  readonly trees: TreeReader;
  readonly snapshot: Snapshot;
  private readonly waiting = new Set<string>();
  private readonly sealed = new Map<ObjectId, Buffer>();
  private readonly dataObjects: ObjectId[] = [];

  constructor(root: PlainFolder) {
    const subtree = this.storeFolder(root);
    this.sealData();
    this.objects = new ObjectCache(this.keys, {} as never);
    this.objects.announce = async () => undefined;
    this.objects.get = async (objectId) => {
      if (this.dataObjects.includes(objectId)) this.fetched.push(objectId);
      if (this.lost.has(objectId)) throw new ProtocolError('object_unavailable');
      const bytes = this.sealed.get(objectId)!;
      return { objectId, bytes, key: objectKeyOf(this.keys, objectId, bytes) };
    };
    // By whatever `get` is by then: tests replace it.
    this.objects.use = async (objectId, signal, work) => work(await this.objects.get(objectId, signal));
    this.trees = new TreeReader(this.index, this.objects);
    this.snapshot = {
      time: '2026-11-21T00:00:00.000Z',
      hostname: 'test',
      paths: ['/'],
      excludes: [],
      tags: [],
      root: subtree,
      files: 0,
      directories: 0,
      symlinks: 0,
      specials: 0,
      skipped: 0,
      sourceBytes: 0,
      addedBytes: 0,
    } as unknown as Snapshot;
  }

  /** The data object that holds a chunk. */
  objectOf(chunk: string | Uint8Array): ObjectId {
    return this.index.get(identifyChunk(this.keys.chunkIdKey, Buffer.from(chunk as string)).chunkId)!.objectId;
  }

  private storeFolder(folder: PlainFolder): string[] {
    const named = [...(folder instanceof Map ? folder : Object.entries(folder))] as [string, Plain][];
    const entries = named
      .map(([name, plain]) => this.entryOf(Buffer.from(name, 'latin1'), plain))
      .sort((left, right) => Buffer.compare(left.name, right.name));
    const encoder = new TreeEncoder();
    const stream = Buffer.concat([encoder.start(), ...entries.map((entry) => encoder.encode(entry))]);
    const chunk = identifyChunk(this.keys.chunkIdKey, stream);
    if (!this.index.has(chunk.chunkId)) {
      BUILDERS.tree.add(chunk);
      this.seal('tree');
    }
    return [encodeBase64url(chunk.chunkId)];
  }

  private entryOf(name: Buffer, plain: Plain): TreeEntry {
    const { mode = 0o644, mtimeNs = 1_700_000_000_123_456_789n, uid = OWN.uid, gid = OWN.gid, xattrs } = plain;
    const common = { name, mode, mtimeNs, uid, gid, ...(xattrs === undefined ? {} : { xattrs }) };
    if ('entries' in plain) {
      return { ...common, mode: plain.mode ?? 0o755, type: 'dir', subtree: this.storeFolder(plain.entries) };
    }
    if ('linkTarget' in plain)
      return { ...common, type: 'symlink', linkTarget: Buffer.from(plain.linkTarget, 'latin1') };
    if ('special' in plain) {
      return { ...common, type: plain.special, ...(plain.device === undefined ? {} : { device: plain.device }) };
    }
    const chunks = plain.chunks.map((chunk) => Buffer.from(chunk as string));
    const content = chunks.map((chunk) => this.storeChunk(chunk));
    const sizeBytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const { hardLink } = plain;
    return { ...common, type: 'file', sizeBytes, content, ...(hardLink === undefined ? {} : { hardLink }) };
  }

  private storeChunk(bytes: Buffer): string {
    const chunk = identifyChunk(this.keys.chunkIdKey, bytes);
    const id = encodeBase64url(chunk.chunkId);
    if (this.index.has(chunk.chunkId) || this.waiting.has(id)) return id;
    this.waiting.add(id);
    BUILDERS.data.add(chunk);
    if (this.waiting.size === CHUNKS_PER_OBJECT) this.sealData();
    return id;
  }

  private sealData(): void {
    if (this.waiting.size === 0) return;
    this.waiting.clear();
    this.dataObjects.push(this.seal('data'));
  }

  private seal(kind: 'data' | 'tree'): ObjectId {
    const { objectId, bytes, entries } = BUILDERS[kind].seal(uuidV7<ObjectId>(1_000, randomBytes(10)));
    this.sealed.set(objectId, bytes);
    this.index.addObject(objectId, entries);
    return objectId;
  }
}
