// Which entries the root of a snapshot has, for the paths that a person gave.
import { type BigIntStats, lstatSync } from 'node:fs';
import { resolve } from 'node:path';
import { ProtocolError } from '#protocol';
import { errnoOf, type SkipReason, skipReasonOf } from './disk-failure.js';

/** A path as text, or as raw bytes where its names may be no UTF-8. */
export type GivenPath = string | Uint8Array;

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

/** A path that was given and cannot be backed up. */
export interface MissingRoot {
  readonly path: Buffer;
  readonly reason: SkipReason;
  readonly errno: string;
}

export interface ResolvedRoots {
  readonly roots: WalkRoots;
  /** Every path that was given, absolute, each once, in the order given. */
  readonly paths: readonly Buffer[];
  readonly missing: readonly MissingRoot[];
}

/**
 * Decide what the root of a snapshot holds.
 *
 * - One directory: its content is the root's content.
 * - One file or symbolic link: the root has this one entry, under its own name.
 * - Several paths: the root has one entry for each, under its last name. Where names meet, later paths get -2, -3, …
 *   in the order given; `/` is called "root". A path given twice counts once.
 *
 * A symbolic link that is given is saved as a link: nothing is followed. Of several paths some may be missing: they are
 * told, and the others have the names that they would have beside them.
 *
 * throws   path_missing | local_disk when no path is left, with the first path in the text
 */
export function resolveRoots(given: readonly GivenPath[]): ResolvedRoots {
  const paths = [...new Set(given.map(absoluteLatin1))];
  const looked = paths.map((path) => lookAt(Buffer.from(path, 'latin1')));
  const missing = looked.flatMap(({ failure }) => (failure === undefined ? [] : [failure]));
  if (missing.length === looked.length) throw nothingLeft(missing[0]);
  const all = paths.map((path) => Buffer.from(path, 'latin1'));
  if (looked.length === 1 && looked[0]!.stats!.isDirectory()) {
    return { roots: { directory: all[0]!, entries: [] }, paths: all, missing };
  }

  const taken = new Set<string>();
  const entries = paths
    .map((path) => ({ name: freeName(path.slice(path.lastIndexOf('/') + 1) || 'root', taken), path }))
    .filter((_entry, i) => looked[i]!.failure === undefined)
    .map(({ name, path }) => ({ name: Buffer.from(name, 'latin1'), path: Buffer.from(path, 'latin1') }))
    .sort((left, right) => Buffer.compare(left.name, right.name));
  return { roots: { directory: null, entries }, paths: all, missing };
}

/** Absolute, and one character a byte, so that names which are no UTF-8 stay as they are. */
function absoluteLatin1(path: GivenPath): string {
  const bytes = Buffer.from(typeof path === 'string' ? new TextEncoder().encode(path) : path);
  return resolve(Buffer.from(process.cwd()).toString('latin1'), bytes.toString('latin1'));
}

type Looked = { stats: BigIntStats; failure?: undefined } | { stats?: undefined; failure: MissingRoot };

function lookAt(path: Buffer): Looked {
  try {
    return { stats: lstatSync(path, { bigint: true }) };
  } catch (error) {
    const errno = errnoOf(error);
    return { failure: { path, reason: skipReasonOf(errno), errno } };
  }
}

function nothingLeft(first: MissingRoot | undefined): ProtocolError {
  if (first === undefined) return new ProtocolError('path_missing', {}, { detail: 'no path was given' });
  const { path, reason, errno } = first;
  const code = reason === 'vanished' ? 'path_missing' : 'local_disk';
  return new ProtocolError(code, { errno }, { detail: `${path}: cannot be read (${errno})` });
}

function freeName(wanted: string, taken: Set<string>): string {
  let name = wanted;
  for (let number = 2; taken.has(name); number++) name = `${wanted}-${number}`;
  taken.add(name);
  return name;
}
