// The chunks of one file, in order: in its entry while they are few, in chunks of their own when they are many.

import type { GearTable } from '../chunking/fastcdc.js';
import { PushedChunks, type StoreChunk } from '../chunking/pushed-chunks.js';
import { encodeChunkIdList } from '../trees/chunk-id-text.js';
import { CONTENT_CHUNKS_MAX } from '../trees/tree-limits.js';

export type FileContent = { readonly content: readonly string[] } | { readonly contentOf: readonly string[] };

/** Holds at most CONTENT_CHUNKS_MAX ids, whatever the size of the file. */
export class ContentList {
  private ids: string[] = [];
  private overflow: PushedChunks | null = null;

  constructor(
    private readonly gear: GearTable,
    private readonly store: StoreChunk,
  ) {}

  async add(id: string): Promise<void> {
    this.ids.push(id);
    if (this.ids.length > CONTENT_CHUNKS_MAX) await this.spill();
  }

  async end(): Promise<FileContent> {
    if (this.overflow === null) return { content: this.ids };
    await this.spill();
    return { contentOf: await this.overflow.end() };
  }

  private async spill(): Promise<void> {
    this.overflow ??= new PushedChunks(this.gear, this.store);
    await this.overflow.push(encodeChunkIdList(this.ids));
    this.ids = [];
  }
}
