// Folders for the tests of this directory: made under the system's temporary folder, described for comparison.
import { execFileSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A fresh folder that other users may enter, removed by `remove`. */
export function freshFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'peerkeep-files-'));
  chmodSync(path, 0o755);
  const remove = (): void => {
    // Node's own removal recurses, and cannot name what lies deeper than a path can say.
    execFileSync('chmod', ['-R', 'u+rwX', path]);
    execFileSync('rm', ['-rf', path]);
  };
  return { path, remove };
}

/** Everything that can change about a folder and what is in it, a line an entry; access times are left out. */
export function describeFolder(path: string): string[] {
  const lines: string[] = [];
  const visit = (place: Buffer): void => {
    const stats = lstatSync(place, { bigint: true });
    const { ino, mode, uid, gid, nlink, size, mtimeNs, ctimeNs } = stats;
    let content = '';
    if (stats.isFile()) content = readFileSync(place).toString('hex');
    if (stats.isSymbolicLink()) content = readlinkSync(place);
    lines.push([place.toString('latin1'), ino, mode, uid, gid, nlink, size, mtimeNs, ctimeNs, content].join(' '));
    if (!stats.isDirectory()) return;
    for (const name of readdirSync(place, { encoding: 'buffer' }))
      visit(Buffer.concat([place, Buffer.from('/'), name]));
  };
  visit(Buffer.from(path));
  return lines.sort();
}

/** Run calls without root's rights, so that permissions count. Other users run them as they are. */
export async function withoutRoot<T>(calls: () => T | Promise<T>): Promise<T> {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(NOBODY);
  try {
    return await calls();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

const NOBODY = 65_534;
