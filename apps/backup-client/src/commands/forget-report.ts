// What `forget` did, as restic says it: tables for people, an array of groups for programs. Pure.
import type { ForgetSummary, ForgottenGroup, StoredSnapshot } from '#backup';
import { formatCounted } from '../format.js';
import { snapshotDocument } from './snapshot-document.js';
import { formatGroup, formatSnapshotTable, type SnapshotTable } from './snapshot-table.js';

type ShortId = SnapshotTable['shortId'];

/** One element a group; restic's members. Of snapshots named by their ids, one element without key and reasons. */
export function forgottenDocument({ groups }: ForgetSummary, shortId: ShortId) {
  return groups.map(({ key, keep, remove }) => ({
    tags: key?.tags ?? null,
    host: key?.hostname ?? '',
    paths: key?.paths ?? null,
    keep: orNull(keep.map(({ stored }) => snapshotDocument(stored, shortId(stored.id)))),
    remove: orNull(remove.map((stored) => snapshotDocument(stored, shortId(stored.id)))),
    reasons: orNull(
      keep.map(({ stored, reasons, counters }) => ({
        snapshot: snapshotDocument(stored, shortId(stored.id)),
        matches: reasons,
        counters,
      })),
    ),
  }));
}

export function formatForgotten(
  { groups, removed }: ForgetSummary,
  table: SnapshotTable & { readonly dryRun: boolean },
): string {
  const ids = removed.map(table.shortId).join(' ');
  const count = formatCounted(removed.length, 'snapshot');
  const end = table.dryRun ? `would remove ${count}` : `removed ${count}`;
  return [
    ...groups.filter(({ key }) => key !== null).map((group) => formatForgottenGroup(group, table)),
    removed.length === 0 ? end : `${end}: ${ids}`,
  ].join('\n\n');
}

function formatForgottenGroup({ key, keep, remove }: ForgottenGroup, table: SnapshotTable): string {
  const why = new Map<StoredSnapshot['id'], readonly string[]>(keep.map(({ stored, reasons }) => [stored.id, reasons]));
  const reasons = (id: StoredSnapshot['id']): readonly string[] => why.get(id) ?? [];
  const kept = keep.map(({ stored }) => stored).reverse();
  const parts = [
    ...(kept.length === 0
      ? []
      : [`keep ${formatCounted(kept.length, 'snapshot')}:\n${formatSnapshotTable(kept, { ...table, reasons })}`]),
    ...(remove.length === 0
      ? []
      : [`remove ${formatCounted(remove.length, 'snapshot')}:\n${formatSnapshotTable(remove.toReversed(), table)}`]),
  ];
  return (key === null ? '' : formatGroup(key)) + parts.join('\n\n');
}

/** Where there is nothing, restic says null. */
function orNull<T>(list: readonly T[]): readonly T[] | null {
  return list.length === 0 ? null : list;
}
