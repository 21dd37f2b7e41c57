// Where the ids of a file's chunks go: into its entry while they are few, into chunks of their own beyond that.
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { encodeBase64url } from '#protocol';
import { expandGearTable } from '../chunking/fastcdc.js';
import { ChunkIdListDecoder } from '../trees/chunk-id-text.js';
import { CONTENT_CHUNKS_MAX } from '../trees/tree-limits.js';
import { ContentList } from './content-list.js';

const gear = expandGearTable(new Uint8Array(32).fill(3));
const idOf = (number: number): string => encodeBase64url(createHash('sha256').update(String(number)).digest());

/** What a list of so many ids becomes, and the ids that the stored chunks hold. */
async function listOf(
  count: number,
): Promise<{ content: string[] | null; contentOf: string[] | null; stored: string[] }> {
  const chunks: Buffer[] = [];
  const list = new ContentList(gear, async (chunk) => {
    chunks.push(Buffer.from(chunk));
    return `chunk ${chunks.length}`;
  });
  for (let i = 0; i < count; i++) await list.add(idOf(i));
  const ended = await list.end();
  const decoder = new ChunkIdListDecoder();
  const stored = chunks.flatMap((chunk) => decoder.push(chunk));
  decoder.end();
  return {
    content: 'content' in ended ? [...ended.content] : null,
    contentOf: 'contentOf' in ended ? [...ended.contentOf] : null,
    stored,
  };
}

const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => idOf(i));

describe('ContentList', () => {
  it.each([0, 1, CONTENT_CHUNKS_MAX])('keeps %i ids in the entry', async (count) => {
    expect(await listOf(count)).toEqual({ content: ids(count), contentOf: null, stored: [] });
  });

  it.each([1_025, 2_050, 2_051, 40_000])('stores %i ids in chunks, all of them in order', async (count) => {
    const { content, contentOf, stored } = await listOf(count);
    expect(content).toBeNull();
    expect(stored).toEqual(ids(count));
    expect(contentOf!.length).toBeGreaterThan(0);
    expect(contentOf).toEqual(contentOf!.map((_, i) => `chunk ${i + 1}`));
  });
});
