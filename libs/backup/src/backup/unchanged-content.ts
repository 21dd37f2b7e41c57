// The content of files that are as the parent snapshot has them, as long as all of it is still stored.
import { decodeBase64url } from '#protocol';
import type { EntryStat } from '../files/entry-stat.js';
import { isUnreadable } from '../get/loss-of-data.js';
import { ChunkIdListDecoder } from '../trees/chunk-id-text.js';
import type { TreeEntry } from '../trees/tree-codec.js';
import type { FileContent } from './content-list.js';
import { isUnchanged, type UnchangedRules } from './decide-unchanged.js';
import type { ReadChunk } from './parent-tree.js';
import type { RunChunks } from './run-chunks.js';

export class UnchangedContent {
  constructor(
    private readonly chunks: Pick<RunChunks, 'relyOnAll'>,
    private readonly readChunk: ReadChunk,
    private readonly rules: UnchangedRules,
  ) {}

  /**
   * What to write into the entry of a file instead of reading it; null when it has to be read.
   *
   * before   the parent's entry of this name, whatever it is
   */
  async of(before: TreeEntry | null, stat: EntryStat): Promise<FileContent | null> {
    if (before?.type !== 'file' || !isUnchanged(before, stat, this.rules)) return null;
    const { content, contentOf } = before;
    if (content !== undefined) return this.areStored(content) ? { content } : null;
    if (contentOf === undefined) return null;
    return (await this.isListStored(contentOf)) ? { contentOf } : null;
  }

  /** Every chunk of a list of lists: those that hold the ids, and those that the ids name. */
  private async isListStored(contentOf: readonly string[]): Promise<boolean> {
    if (!this.areStored(contentOf)) return false;
    const decoder = new ChunkIdListDecoder();
    try {
      for (const id of contentOf) {
        if (!this.areStored(decoder.push(await this.readChunk(id)))) return false;
      }
      decoder.end();
      return true;
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      return false;
    }
  }

  /** Whether each of these chunks is stored; only then are they relied on. */
  areStored(ids: readonly string[]): boolean {
    const chunkIds = ids.map(decodeBase64url);
    return chunkIds.every((id) => id !== null) && this.chunks.relyOnAll(chunkIds);
  }
}
