// The paths that a line of `--files-from` stands for: `*`, `?` and ranges in any of its names, as a shell would find them.
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from './disk-failure.js';
import { compileName } from './path-patterns.js';

const MAGIC = /[*?[\\]/;

/**
 * The paths on the disk that a pattern matches, sorted; none when nothing does. A pattern without `*`, `?`, `[` and `\`
 * is a path, and matches when that exists. Folders that cannot be read hold nothing.
 *
 * throws   usage for an impossible range
 */
export function expandGlob(pattern: string): string[] {
  let found = [pattern.startsWith('/') ? '/' : '.'];
  for (const part of pattern.split('/').filter((name) => name !== '')) {
    found = MAGIC.test(part) ? found.flatMap((folder) => matchingNames(folder, part, pattern)) : withName(found, part);
  }
  return found.sort();
}

function withName(folders: readonly string[], name: string): string[] {
  return folders.map((folder) => join(folder, name)).filter(exists);
}

function matchingNames(folder: string, part: string, pattern: string): string[] {
  const matches = compileName(part, pattern, {});
  return orNothing(() => readdirSync(folder))
    .filter((name) => matches(name))
    .map((name) => join(folder, name));
}

function exists(path: string): boolean {
  return orNothing(() => [lstatSync(path)]).length > 0;
}

/** What the disk says, or nothing where it refuses: a glob that finds nothing is told by the caller. */
function orNothing<T>(ask: () => T[]): T[] {
  try {
    return ask();
  } catch (error) {
    errnoOf(error);
    return [];
  }
}
