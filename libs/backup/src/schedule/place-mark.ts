// A short mark of a set of paths, by which a backup by hand is known as one of the same paths as a configured one. Pure.
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import type { GivenPath } from '../files/walk-roots.js';

/** The same for the same paths in any order, given once or twice, with or without a slash at the end. */
export function placeMarkOf(paths: readonly GivenPath[]): string {
  const absolute = paths.map((path) => {
    const bytes = typeof path === 'string' ? Buffer.from(path) : path;
    return resolve(Buffer.from(process.cwd()).toString('latin1'), Buffer.from(bytes).toString('latin1'));
  });
  return createHash('sha256')
    .update(JSON.stringify([...new Set(absolute)].sort()))
    .digest('base64url');
}
