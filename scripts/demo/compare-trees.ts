// Compares a folder with its restored copy, with code of its own: names, kinds, bytes, modes, times and link targets.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';

export interface Comparison {
  readonly entries: number;
  readonly differences: readonly string[];
}

/** Node sets times in whole microseconds. */
const MTIME_STEP_NS = 1_000n;

/** excludes: names that are left out wherever they stand. Special files are not compared. */
export async function compareTrees(source: string, copy: string, excludes: readonly string[]): Promise<Comparison> {
  const differences: string[] = [];
  let entries = 0;
  const waiting = [''];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    const names = (await readdir(join(source, folder))).filter((name) => !excludes.includes(name));
    const copied = new Set(await readdir(join(copy, folder)));
    for (const name of names) {
      const path = join(folder, name);
      const kind = await kindOf(join(source, path));
      if (kind === 'special') continue;
      entries++;
      if (!copied.delete(name)) {
        differences.push(`${path}: missing`);
        continue;
      }
      const difference = await compareEntry(join(source, path), join(copy, path));
      if (difference !== null) differences.push(`${path}: ${difference}`);
      else if (kind === 'directory') waiting.push(path);
    }
    for (const name of copied) differences.push(`${join(folder, name)}: not in the source`);
  }
  return { entries, differences };
}

type Kind = 'file' | 'directory' | 'symlink' | 'special';

async function kindOf(path: string): Promise<Kind> {
  const stat = await lstat(path);
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  return stat.isSymbolicLink() ? 'symlink' : 'special';
}

/** Null when equal, else what differs. */
async function compareEntry(left: string, right: string): Promise<string | null> {
  const [kind, otherKind] = [await kindOf(left), await kindOf(right)];
  if (kind !== otherKind) return `${otherKind} instead of ${kind}`;
  const [stat, other] = [await lstat(left, { bigint: true }), await lstat(right, { bigint: true })];
  if (stat.mode !== other.mode && kind !== 'symlink')
    return `mode ${other.mode.toString(8)}, not ${stat.mode.toString(8)}`;
  if (stat.mtimeNs / MTIME_STEP_NS !== other.mtimeNs / MTIME_STEP_NS) return 'another mtime';
  if (kind === 'symlink') return (await readlink(left)) === (await readlink(right)) ? null : 'another link target';
  if (kind === 'directory') return null;
  if (stat.size !== other.size) return `${other.size} bytes, not ${stat.size}`;
  return (await digestOf(left)) === (await digestOf(right)) ? null : 'other bytes';
}

async function digestOf(path: string): Promise<string> {
  const digest = createHash('sha256');
  for await (const piece of createReadStream(path)) digest.update(piece as Buffer);
  return digest.digest('hex');
}
