// Which chunks the snapshots of an account need: walks them all, each shared folder once, and is never content with a part.
import { createHash } from 'node:crypto';
import { decodeBase64url, ProtocolError } from '#protocol';
import type { ChunkIndex } from '../chunk-index.js';
import type { TreeReader } from '../get/tree-reader.js';
import type { StoredSnapshot } from '../snapshots/list-snapshots.js';

/** A set of chunks that an index knows, one bit each. */
export class LiveChunks {
  private readonly bits: Uint8Array;

  constructor(private readonly index: ChunkIndex) {
    this.bits = new Uint8Array(Math.ceil(index.positions / 8));
  }

  has(chunkId: Uint8Array): boolean {
    const position = this.index.positionOf(chunkId);
    return position !== null && this.hasAt(position);
  }

  /** The same, by the chunk's position in the index. */
  hasAt(position: number): boolean {
    return (this.bits[position >> 3]! & (1 << (position & 7))) !== 0;
  }

  /** throws   chunk_missing for a chunk that no stored object has */
  add(id: string): void {
    const chunkId = decodeBase64url(id);
    const position = chunkId === null ? null : this.index.positionOf(chunkId);
    if (position === null || this.index.get(chunkId!) === undefined)
      throw new ProtocolError('chunk_missing', { chunk: id });
    this.bits[position >> 3]! |= 1 << (position & 7);
  }
}

/**
 * Every chunk of every folder and file of these snapshots.
 *
 * throws   whatever keeps a folder or a list of chunks from being read, and chunk_missing: whoever deletes what is not in
 *          the result must know all of it
 */
export async function findLiveChunks(
  { trees, index }: { trees: TreeReader; index: ChunkIndex },
  snapshots: readonly StoredSnapshot[],
  signal: AbortSignal,
): Promise<LiveChunks> {
  const live = new LiveChunks(index);
  const walked = new Set<string>();
  /** Whether these chunks, which make one folder's list, come for the first time. */
  const isNew = (chunks: readonly string[]): boolean => {
    for (const id of chunks) live.add(id);
    const name = createHash('sha256').update(chunks.join()).digest('base64');
    if (walked.has(name)) return false;
    walked.add(name);
    return true;
  };
  for (const { id, snapshot } of snapshots) {
    try {
      if (isNew(snapshot.root)) await walkSnapshot(trees, snapshot.root, live, isNew, signal);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      throw new ProtocolError(
        error.code,
        { ...error.facts, snapshot: id },
        { cause: error, detail: `in snapshot ${id}` },
      );
    }
  }
  return live;
}

async function walkSnapshot(
  trees: TreeReader,
  root: readonly string[],
  live: LiveChunks,
  isNew: (chunks: readonly string[]) => boolean,
  signal: AbortSignal,
): Promise<void> {
  for await (const next of trees.walk(root, (_parents, { subtree }) => isNew(subtree), signal)) {
    if (signal.aborted) throw new ProtocolError('interrupted');
    if (next.step === 'lost') throw next.failure;
    if (next.step === 'leave' || next.entry.type !== 'file') continue;
    for (const id of next.entry.contentOf ?? []) live.add(id);
    for await (const id of trees.contentOf(next.entry, signal)) live.add(id);
  }
}
