// Looks for pieces of the person's files in everything that the broker wrote. It must find none.
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

const PIECE_BYTES = 48;
const FILES_MAX = 2_000;
const FILE_BYTES_MAX = 1024 * 1024;

/**
 * Take one piece from the middle of each of the first FILES_MAX files.
 *
 * folder    what is searched, every file in it
 * before    what lay in that folder before anything was backed up: this checkout holds the statements that make the
 *           broker's tables, and so does every broker's database
 * returns   the files whose piece was found
 */
export async function findPlaintext(
  source: string,
  excludes: readonly string[],
  folder: string,
  before: Buffer,
): Promise<string[]> {
  const haystack = await contentBelow(folder);
  const found: string[] = [];
  for (const path of (await filesBelow(source, excludes)).slice(0, FILES_MAX)) {
    const { size } = await stat(path);
    if (size < PIECE_BYTES || size > FILE_BYTES_MAX) continue;
    const content = await readFile(path);
    const start = Math.floor((content.length - PIECE_BYTES) / 2);
    const piece = content.subarray(start, start + PIECE_BYTES);
    const isTelling = new Set(piece).size > PIECE_BYTES / 4;
    if (isTelling && haystack.includes(piece) && !before.includes(piece)) found.push(path);
  }
  return found;
}

/** The bytes of every file of a folder, one after another. */
export async function contentBelow(folder: string): Promise<Buffer> {
  return Buffer.concat(await Promise.all((await filesBelow(folder, [])).map((path) => readFile(path))));
}

async function filesBelow(folder: string, excludes: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (excludes.includes(entry.name)) continue;
    if (entry.isDirectory()) files.push(...(await filesBelow(join(folder, entry.name), excludes)));
    else if (entry.isFile()) files.push(join(folder, entry.name));
  }
  return files;
}
