// Snapshots as restic's tables show them: several tags or paths of one stand below each other. Pure.
import type { GroupKey, StoredSnapshot } from '#backup';
import { parseTime } from '#protocol';
import { formatBytes, formatCounted, formatLocalTime, formatTable, printable } from '../format.js';

export interface SnapshotTable {
  readonly shortId: (id: StoredSnapshot['id']) => string;
  /** Without paths and sizes. */
  readonly compact: boolean;
  /** Why each is kept, for `forget`. */
  readonly reasons?: (id: StoredSnapshot['id']) => readonly string[];
}

/** The table between two rules, and how many there are. */
export function formatSnapshotTable(list: readonly StoredSnapshot[], table: SnapshotTable): string {
  const count = formatCounted(list.length, 'snapshot');
  if (list.length === 0) return count;
  const { compact, reasons } = table;
  const columns = [
    { title: 'ID' },
    { title: 'Time' },
    { title: 'Host' },
    { title: 'Tags' },
    ...(reasons === undefined ? [] : [{ title: 'Reasons' }]),
    ...(compact ? [] : [{ title: 'Paths' }, { title: 'Size', alignRight: true }]),
  ];
  const rows = list.flatMap((stored) => linesOf(cellsOf(stored, table)));
  const [header, ...lines] = formatTable(columns, rows).split('\n');
  const rule = '-'.repeat(Math.max(...[header!, ...lines].map((line) => [...line].length)));
  return [header, rule, ...lines.map((line) => line.trimEnd()), rule, count].join('\n');
}

/** `snapshots for (host [laptop], paths [/home/a])`, or nothing for all of them together. */
export function formatGroup({ hostname, paths, tags }: GroupKey): string {
  const parts = [
    ...(hostname === null ? [] : [`host [${printable(hostname)}]`]),
    ...(tags === null ? [] : [`tags [${tags.map(printable).join(', ')}]`]),
    ...(paths === null ? [] : [`paths [${paths.map(printable).join(', ')}]`]),
  ];
  return parts.length === 0 ? '' : `snapshots for (${parts.join(', ')}):\n`;
}

function cellsOf({ id, snapshot }: StoredSnapshot, { shortId, compact, reasons }: SnapshotTable): string[][] {
  return [
    [shortId(id)],
    [formatLocalTime(parseTime(snapshot.time) ?? Number.NaN)],
    [printable(snapshot.hostname)],
    compact ? [snapshot.tags.map(printable).join(',')] : snapshot.tags.map(printable),
    ...(reasons === undefined ? [] : [[...reasons(id)]]),
    ...(compact ? [] : [snapshot.paths.map(printable), [formatBytes(snapshot.sourceBytes)]]),
  ];
}

/** One row of cells with several lines each becomes as many rows as the highest cell has lines. */
function linesOf(cells: readonly (readonly string[])[]): string[][] {
  const height = Math.max(...cells.map((cell) => cell.length));
  return Array.from({ length: height }, (_, line) => cells.map((cell) => cell[line] ?? ''));
}
