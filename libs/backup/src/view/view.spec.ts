// The read view: folders of snapshots, entries by path, and any part of a file, chunk by chunk.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeBase64url, isRefusal, type ObjectId, ProtocolError } from '#protocol';
import { ChunkIndex } from '../chunk-index.js';
import { TreeReader } from '../get/tree-reader.js';
import type { StoredSnapshot } from '../snapshots/list-snapshots.js';
import type { Snapshot } from '../trees/snapshot-codec.js';
import { type FileEntry, TreeEncoder, type TreeEntry } from '../trees/tree-codec.js';
import { DirectoryListings } from './directory-listings.js';
import { isSnapshot, type SnapshotFolder, snapshotFolders } from './snapshot-folders.js';
import { SnapshotView } from './snapshot-view.js';

const signal = new AbortController().signal;
const metadata = { mode: 0o644, mtimeNs: 1n, uid: 0, gid: 0 };
const idOf = (name: string): string => encodeBase64url(Buffer.alloc(32, name));
const snapshot = (changes: Partial<Snapshot> = {}): Snapshot =>
  ({
    time: '2026-11-21T10:00:00.123Z',
    hostname: 'box',
    paths: ['/'],
    root: [idOf('root')],
    tags: [],
    ...changes,
  }) as Snapshot;

/** Chunks by the name that their id is made of; counts what is opened and what is asked for ahead. */
class StoredChunks {
  readonly opened: string[] = [];
  readonly asked: string[] = [];
  private readonly index = new ChunkIndex();
  readonly trees: TreeReader;

  constructor(private readonly chunks: Map<string, { bytes: Buffer; object: string }>) {
    for (const object of new Set([...chunks.values()].map((one) => one.object))) {
      const held = [...chunks].filter(([, one]) => one.object === object);
      const entries = held.map(([name, { bytes }], index) => ({
        chunkId: Buffer.alloc(32, name),
        index,
        offset: 80,
        storedBytes: 20,
        rawBytes: bytes.length,
      }));
      this.index.addObject(object.padEnd(36, '0') as ObjectId, entries);
    }
    this.trees = new TreeReader(this.index, this.objects);
  }

  get objects(): ConstructorParameters<typeof SnapshotView>[0]['objects'] {
    const use = async (objectId: ObjectId): Promise<never> => {
      this.asked.push(objectId);
      throw new ProtocolError('object_unavailable');
    };
    const chunk = async ({ entry }: { entry: { chunkId: Uint8Array } }): Promise<Buffer> => {
      const name = [...this.chunks.keys()].find((one) => idOf(one) === encodeBase64url(entry.chunkId))!;
      this.opened.push(name);
      return this.chunks.get(name)!.bytes;
    };
    return { use, chunk } as never;
  }
}

function treeOf(...entries: TreeEntry[]): Buffer {
  const encoder = new TreeEncoder();
  return Buffer.concat([encoder.start(), ...entries.map((entry) => encoder.encode(entry))]);
}

const file = (name: string, chunks: Record<string, string>, sizeBytes?: number): FileEntry => ({
  type: 'file',
  name: Buffer.from(name),
  ...metadata,
  sizeBytes: sizeBytes ?? Object.values(chunks).join('').length,
  content: Object.keys(chunks).map(idOf),
});

const CONTENT = { p: 'abc', q: 'defgh', r: 'i', s: 'jklmnop' };
function sample(changes: Record<string, string> = CONTENT): {
  stored: StoredChunks;
  view: SnapshotView;
  entry: FileEntry;
} {
  const chunks = new Map<string, { bytes: Buffer; object: string }>(
    Object.entries(changes).map(([name, text]) => [name, { bytes: Buffer.from(text), object: `o${name}` }]),
  );
  const entry = file('f', CONTENT);
  chunks.set('root', {
    bytes: treeOf({ type: 'dir', name: Buffer.from('d'), ...metadata, subtree: [idOf('sub')] }, entry),
    object: 't',
  });
  chunks.set('sub', { bytes: treeOf(file('g', {}), file('\u00fc', {})), object: 't' });
  const stored = new StoredChunks(chunks);
  return { stored, view: new SnapshotView({ trees: stored.trees, objects: stored.objects }, snapshot()), entry };
}

async function bytesOf(parts: AsyncIterable<Buffer>): Promise<string> {
  const all: Buffer[] = [];
  for await (const part of parts) all.push(part);
  return Buffer.concat(all).toString();
}

describe('a file of the view', () => {
  it('gives any range, and opens the chunks that it touches alone', async () => {
    const { view, entry, stored } = sample();
    const whole = Object.values(CONTENT).join('');
    const bound = fc.integer({ min: 0, max: whole.length });
    await fc.assert(
      fc.asyncProperty(bound, bound, async (one, other) => {
        const [start, end] = [Math.min(one, other), Math.max(one, other)];
        stored.opened.length = 0;
        expect(await bytesOf(view.read(entry, signal, { start, end }))).toBe(whole.slice(start, end));
        const touched = Object.entries(CONTENT).filter(([, text]) => {
          const at = whole.indexOf(text);
          return start < end && at < end && at + text.length > start;
        });
        expect(stored.opened).toEqual(touched.map(([name]) => name));
      }),
    );
    expect(await bytesOf(view.read(entry, signal))).toBe(whole);
  });

  it('has the next objects fetched while it is read', async () => {
    const { view, entry, stored } = sample();
    await bytesOf(view.read(entry, signal));
    expect(stored.asked).toEqual(['oq', 'or', 'os'].map((object) => object.padEnd(36, '0')));
  });

  it('is refused when its chunks are not as long as it says', async () => {
    for (const s of ['jklmno', 'jklmnopq']) {
      const { view, entry } = sample({ ...CONTENT, s });
      const read = bytesOf(view.read(entry, signal)).catch((error: unknown) => error);
      expect(isRefusal(await read, 'snapshot_damaged'), s).toBe(true);
    }
  });
});

describe('a folder of the view', () => {
  it('is found by its path, and read once however often it is asked for', async () => {
    const { view, stored } = sample();
    const at = (...names: string[]) =>
      view.resolve(
        names.map((name) => Buffer.from(name)),
        signal,
      );
    expect((await at())?.type).toBe('dir');
    expect(Buffer.from((await at('d', '\u00fc'))!.name).toString()).toBe('\u00fc');
    expect([await at('d', 'x'), await at('f', 'g'), await at('e')]).toEqual([null, null, null]);
    expect(stored.opened).toEqual(['root', 'sub']);
  });

  it('that is too heavy to be held is read anew, and every entry of it is found', async () => {
    const names = Array.from({ length: 66 }, (_, i) => String(i).padStart(6, '0'));
    const bytes = treeOf(...names.map((name) => file(name, {})));
    const stored = new StoredChunks(new Map([['root', { bytes, object: 't' }]]));
    const listings = new DirectoryListings(stored.trees, { kept: 1_000, folder: 60 });
    const view = new SnapshotView({ trees: stored.trees, objects: stored.objects, listings }, snapshot());
    expect(await view.find(view.root, Buffer.from('000065'), signal)).toMatchObject({ type: 'file' });
    expect(await view.find(view.root, Buffer.from('0000001'), signal)).toBeNull();
    let count = 0;
    for await (const _entry of view.list(view.root, signal)) count++;
    expect(count).toBe(66);
    // Once to find that it is heavy, and once to look, each time.
    expect(stored.opened).toHaveLength(6);
  });

  it('makes room for others when it was used longest ago', async () => {
    const folders = ['a', 'b', 'c'];
    const many = treeOf(...Array.from({ length: 60 }, (_, i) => file(String(i).padStart(6, '0'), {})));
    const stored = new StoredChunks(new Map(folders.map((name) => [name, { bytes: many, object: 't' }])));
    const listings = new DirectoryListings(stored.trees, { kept: 130, folder: 70 });
    for (const name of ['a', 'b', 'a', 'c', 'a', 'b']) {
      const directory = { type: 'dir' as const, name: Buffer.from(name), ...metadata, subtree: [idOf(name)] };
      expect(await listings.find(directory, Buffer.from('000007'), signal)).not.toBeNull();
    }
    expect(stored.opened).toEqual(['a', 'b', 'c', 'b']);
  });
});

describe('the folders of snapshots', () => {
  const stored = (id: string, changes: Partial<Snapshot>): StoredSnapshot => ({
    id: id as ObjectId,
    snapshot: snapshot(changes),
  });
  const shape = (folder: SnapshotFolder): unknown =>
    Object.fromEntries([...folder].map(([name, child]) => [name, isSnapshot(child) ? child.id : shape(child)]));

  it('group them by time, id, host and tag', () => {
    const all = [
      stored('1', { tags: ['a', 'b'] }),
      stored('2', { hostname: '../etc', tags: ['a'] }),
      stored('3', { time: '2026-11-22T00:00:00.000Z', hostname: '..' }),
    ];
    const [first, third] = ['2026-11-21T10:00:00Z', '2026-11-22T00:00:00Z'];
    expect(shape(snapshotFolders(all))).toEqual({
      ids: { 1: '1', 2: '2', 3: '3' },
      snapshots: { [first]: '1', [`${first}-1`]: '2', [third]: '3', latest: '3' },
      hosts: {
        box: { [first]: '1', latest: '1' },
        '..%2Fetc': { [first]: '2', latest: '2' },
        '%2E%2E': { [third]: '3', latest: '3' },
      },
      tags: { a: { [first]: '1', [`${first}-1`]: '2', latest: '2' }, b: { [first]: '1', latest: '1' } },
      latest: '3',
    });
    expect(shape(snapshotFolders([]))).toEqual({ ids: {}, snapshots: {}, hosts: {}, tags: {} });
  });
});
