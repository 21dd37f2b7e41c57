// Walks a snapshot one of whose folders cannot be read: that folder is told as lost, and its neighbours are walked.
import { describe, expect, it } from 'vitest';
import { encodeBase64url, ProtocolError } from '#protocol';
import { ChunkIndex } from '../chunk-index.js';
import { TreeEncoder, type TreeEntry } from '../trees/tree-codec.js';
import { ObjectCache } from './object-cache.js';
import { TreeReader } from './tree-reader.js';

const signal = new AbortController().signal;
const metadata = { mode: 0o755, mtimeNs: 0n, uid: 0, gid: 0 };
const idOf = (name: string): string => encodeBase64url(Buffer.alloc(32, name));
const folder = (name: string): TreeEntry => ({
  type: 'dir',
  name: Buffer.from(name),
  ...metadata,
  subtree: [idOf(name)],
});
const file = (name: string): TreeEntry => ({
  type: 'file',
  name: Buffer.from(name),
  ...metadata,
  sizeBytes: 0,
  content: [],
});

/** Directory streams by the name that their chunk id is made of; what is missing here cannot be located. */
class StoredTrees extends TreeReader {
  constructor(private readonly trees: Readonly<Record<string, readonly TreeEntry[]>>) {
    const objects = new ObjectCache({} as never, {} as never);
    super(new ChunkIndex(), objects);
    objects.chunk = async ({ entry }) => {
      const encoder = new TreeEncoder();
      const name = Object.keys(trees).find((one) => idOf(one) === encodeBase64url(entry.chunkId))!;
      return Buffer.concat([encoder.start(), ...trees[name]!.map((each) => encoder.encode(each))]);
    };
  }

  override locate(id: string): ReturnType<TreeReader['locate']> {
    if (!Object.keys(this.trees).some((name) => idOf(name) === id)) throw new ProtocolError('chunk_missing');
    const chunkId = Buffer.from(id, 'base64url');
    return { objectId: '' as never, entry: { chunkId, index: 0, offset: 80, storedBytes: 20, rawBytes: 3 } };
  }
}

async function stepsOf(reader: TreeReader): Promise<string[]> {
  const steps: string[] = [];
  for await (const next of reader.walk([idOf('root')], () => true, signal)) {
    const path = next.parents.map((name) => Buffer.from(name).toString()).join('/');
    steps.push(
      next.step === 'lost'
        ? `lost ${path} ${next.failure.code}`
        : `${next.step} ${Buffer.from(next.entry.name)} in ${path}`,
    );
  }
  return steps;
}

describe('TreeReader', () => {
  it('goes on behind a folder that cannot be read', async () => {
    const reader = new StoredTrees({ root: [folder('a'), folder('b')], b: [file('kept')] });
    expect(await stepsOf(reader)).toEqual([
      'entry a in ',
      'lost a chunk_missing',
      'leave a in ',
      'entry b in ',
      'entry kept in b',
      'leave b in ',
    ]);
  });

  it('tells a root that cannot be read', async () => {
    expect(await stepsOf(new StoredTrees({}))).toEqual(['lost  chunk_missing']);
  });
});
