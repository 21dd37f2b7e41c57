// The standing corpus: what every version of the format stored is read by the present code, from those bytes alone.
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { readSnapshot, readSnapshots } from '../libs/backup/src/snapshots/list-snapshots.js';
import { syncCache } from '../libs/backup/src/snapshots/sync-cache.js';
import type { FileEntry, TreeEntry } from '../libs/backup/src/trees/tree-codec.js';
import { type GoldenEntry, openGoldenStore } from './golden-store.js';

const versions = readdirSync(join(import.meta.dirname, 'golden'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort();
const signal = new AbortController().signal;

type GoldenStore = Awaited<ReturnType<typeof openGoldenStore>>;
let store: GoldenStore;
afterEach(() => store?.remove());

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** What a snapshot says of an entry, in the words of the expectation. */
async function describeEntry(parents: readonly Uint8Array[], entry: TreeEntry): Promise<GoldenEntry> {
  const { type, mode, mtimeNs, uid, gid, name, xattrs } = entry;
  return {
    path: [...parents, name].map(latin1).join('/'),
    type,
    mode,
    mtimeNs: `${mtimeNs}`,
    uid,
    gid,
    ...(entry.type === 'file' && (await describeFile(entry))),
    ...(entry.type === 'symlink' && { linkTarget: latin1(entry.linkTarget) }),
    ...('device' in entry && entry.device !== undefined && { device: entry.device }),
    ...(xattrs !== undefined && {
      xattrs: Object.fromEntries(xattrs.map(({ name, value }) => [latin1(name), hex(value)])),
    }),
  };
}

async function describeFile(file: FileEntry): Promise<Partial<GoldenEntry>> {
  const { sizeBytes, ctimeNs, inode, hardLink } = file;
  const hash = createHash('sha256');
  for await (const id of store.trees.contentOf(file, signal))
    hash.update(await store.objects.chunk(store.trees.locate(id), signal));
  return {
    sizeBytes,
    sha256: hash.digest('hex'),
    ...(ctimeNs !== undefined && { ctimeNs: `${ctimeNs}` }),
    ...(inode !== undefined && { inode: `${inode}` }),
    ...(hardLink !== undefined && { hardLink }),
  };
}

async function entriesOf(root: readonly string[]): Promise<GoldenEntry[]> {
  const entries: GoldenEntry[] = [];
  for await (const next of store.trees.walk(root, () => true, signal)) {
    if (next.step === 'lost') throw next.failure;
    if (next.step === 'entry') entries.push(await describeEntry(next.parents, next.entry));
  }
  return entries;
}

describe('golden data', () => {
  it.each(versions)('of %s: every snapshot has the entries and bytes that were stored', async (version) => {
    store = await openGoldenStore(version);
    const listed = await syncCache(store, signal);
    const found = await readSnapshots(store, listed, signal, (_id, failure) => {
      throw failure;
    });
    expect(found.map(({ id }) => id)).toEqual(store.data.snapshots.map(({ id }) => id));
    for (const { id, document, entries } of store.data.snapshots) {
      const { snapshot } = await readSnapshot(store, id, signal);
      // Members that the version did not have come with a default; those that it had are as they were.
      expect(snapshot).toMatchObject(document as Record<string, unknown>);
      expect(await entriesOf(snapshot.root)).toEqual(entries);
    }
    expect(store.events).toEqual([]);
  });

  it.each(versions)('of %s: the same without its indexes, from the directories of the objects', async (version) => {
    store = await openGoldenStore(version);
    for (const { objectId, kind } of store.data.objects) if (kind === 'index') store.unavailable.add(objectId);
    await syncCache(store, signal);
    for (const { id, entries } of store.data.snapshots) {
      const { snapshot } = await readSnapshot(store, id, signal);
      expect(await entriesOf(snapshot.root)).toEqual(entries);
    }
    expect(store.events.length).toBeGreaterThan(0);
  });
});
