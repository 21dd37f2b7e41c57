// Everything that a restore has to bring back, one line an entry: kind, mode, owner, times, bytes, links, attributes.
import { createHash } from 'node:crypto';
import { type BigIntStats, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { libc } from '../../libs/backup/src/files/libc.js';

/**
 * Describe what lies below a folder, the folder itself left out; two trees are the same when their lines are.
 *
 * Names that are one file have the first of these names, in the order of bytes, in their lines.
 */
export function manifestOf(root: string): string[] {
  const lines: string[] = [];
  const firstNames = new Map<bigint, string>();
  const visit = (folder: Buffer, below: string): void => {
    const names = readdirSync(folder, { encoding: 'buffer' }).sort(Buffer.compare);
    for (const name of names) {
      const path = Buffer.concat([folder, SLASH, name]);
      const shown = `${below}${escaped(name)}`;
      const stats = lstatSync(path, { bigint: true });
      lines.push([shown, ...describe(path, stats), oneFileWith(stats, shown, firstNames)].join(' | '));
      if (stats.isDirectory()) visit(path, `${shown}/`);
    }
  };
  visit(Buffer.from(root), '');
  return lines;
}

/** The lines that are in one of both only, each with its side. */
export function manifestDifferences(wanted: readonly string[], found: readonly string[]): string[] {
  const [wantedSet, foundSet] = [new Set(wanted), new Set(found)];
  return [
    ...wanted.filter((line) => !foundSet.has(line)).map((line) => `wanted: ${line}`),
    ...found.filter((line) => !wantedSet.has(line)).map((line) => `found:  ${line}`),
  ];
}

const SLASH = Buffer.from('/');

function describe(path: Buffer, stats: BigIntStats): string[] {
  const { uid, gid, mtimeNs, mode } = stats;
  const about = [mode.toString(8), `${uid}:${gid}`, String(mtimeNs), attributesOf(path)];
  if (stats.isSymbolicLink()) return ['link', ...about, escaped(readlinkSync(path, { encoding: 'buffer' }))];
  if (!stats.isFile()) return [stats.isDirectory() ? 'dir' : stats.isFIFO() ? 'fifo' : 'special', ...about];
  return ['file', ...about, String(stats.size), createHash('sha256').update(readFileSync(path)).digest('hex')];
}

function oneFileWith({ ino, nlink, ...stats }: BigIntStats, shown: string, firstNames: Map<bigint, string>): string {
  if (nlink <= 1n || (stats.mode & 0o170000n) !== 0o100000n) return '';
  const first = firstNames.get(ino) ?? shown;
  firstNames.set(ino, first);
  return `= ${first}`;
}

function attributesOf(path: Buffer): string {
  return libc()
    .listXattrs(path)
    .map((name) => `${escaped(name)}=${libc().getXattr(path, name)?.toString('hex')}`)
    .join(',');
}

function escaped(bytes: Buffer): string {
  return JSON.stringify(bytes.toString('latin1'));
}
