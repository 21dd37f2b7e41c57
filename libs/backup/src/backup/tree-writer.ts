// Writes the directories of a snapshot while they are walked: a stack of streams, each cut into chunks as it grows.
import { strict as assert } from 'node:assert';
import type { GearTable } from '../chunking/fastcdc.js';
import { PushedChunks, type StoreChunk } from '../chunking/pushed-chunks.js';
import { TreeEncoder, type TreeEntry } from '../trees/tree-codec.js';

interface OpenTree {
  readonly encoder: TreeEncoder;
  readonly chunks: PushedChunks;
}

export class TreeWriter {
  private readonly open: OpenTree[] = [];

  constructor(
    private readonly gear: GearTable,
    private readonly store: StoreChunk,
  ) {}

  async enterDirectory(): Promise<void> {
    const tree = { encoder: new TreeEncoder(), chunks: new PushedChunks(this.gear, this.store) };
    this.open.push(tree);
    await tree.chunks.push(tree.encoder.start());
  }

  /** An entry of the directory that was entered last, in byte order of names. */
  async addEntry(entry: TreeEntry): Promise<void> {
    const tree = this.open.at(-1);
    assert(tree !== undefined);
    await tree.chunks.push(tree.encoder.encode(entry));
  }

  /** The same, of an entry whose line is known. It is copied: a few lines must not hold the parent's whole chunk. */
  async addLine(name: Uint8Array, line: Uint8Array): Promise<void> {
    const tree = this.open.at(-1);
    assert(tree !== undefined);
    tree.encoder.pass(name);
    await tree.chunks.push(Buffer.from(line));
  }

  /** Leave the directory that was entered last; returns the ids of its stream's chunks. */
  async leaveDirectory(): Promise<string[]> {
    const tree = this.open.pop();
    assert(tree !== undefined);
    return tree.chunks.end();
  }
}
