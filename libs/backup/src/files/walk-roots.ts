// Which entries the root of a snapshot has, for the paths that a person gave.
import { type BigIntStats, lstatSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { ProtocolError } from '#protocol';
import { errnoOf, skipReasonOf } from './disk-failure.js';

/**
 * directory   the one directory whose content is the root's content; null when the root lists `entries`
 * entries     the root's entries, in byte order of their names
 */
export interface WalkRoots {
  readonly directory: Buffer | null;
  readonly entries: readonly WalkRoot[];
}

export interface WalkRoot {
  readonly name: Buffer;
  readonly path: Buffer;
}

/**
 * Decide what the root of a snapshot holds.
 *
 * - One directory: its content is the root's content.
 * - One file or symbolic link: the root has this one entry, under its own name.
 * - Several paths: the root has one entry for each, under its last name. Where names meet, later paths get -2, -3, …
 *   in the order given; `/` is called "root". A path given twice counts once.
 *
 * A symbolic link that is given is saved as a link: nothing is followed.
 *
 * throws   path_missing | local_disk, with the path in the text
 */
export function resolveRoots(paths: readonly string[]): WalkRoots {
  const absolute = [...new Set(paths.map((path) => resolve(path)))];
  const stats = absolute.map(lstatOrRefuse);
  if (absolute.length === 1 && stats[0]!.isDirectory()) return { directory: Buffer.from(absolute[0]!), entries: [] };

  const taken = new Set<string>();
  const entries = absolute.map((path) => ({
    name: freeName(basename(path) || 'root', taken),
    path: Buffer.from(path),
  }));
  return { directory: null, entries: entries.sort((left, right) => Buffer.compare(left.name, right.name)) };
}

function lstatOrRefuse(path: string): BigIntStats {
  try {
    return lstatSync(path, { bigint: true });
  } catch (cause) {
    const errno = errnoOf(cause);
    const code = skipReasonOf(errno) === 'vanished' ? 'path_missing' : 'local_disk';
    throw new ProtocolError(code, { errno }, { cause, detail: `${path}: cannot be read (${errno})` });
  }
}

function freeName(wanted: string, taken: Set<string>): Buffer {
  let name = wanted;
  for (let number = 2; taken.has(name); number++) name = `${wanted}-${number}`;
  taken.add(name);
  return Buffer.from(name);
}
