// `peerkeep snapshots`: lists what can be restored.
import { type Command, InvalidArgumentError } from 'commander';
import {
  filterSnapshots,
  groupSnapshots,
  lastOfEachPlace,
  parseGroupings,
  type SnapshotGroup,
  type StoredSnapshot,
  shortIdsOf,
} from '#backup';
import { type CommandContext, type CommonOptions, newCommand, withEngine } from './command-context.js';
import { groupKeyDocument, snapshotDocument } from './snapshot-document.js';
import { type SnapshotFilterOptions, snapshotFilterOf, withSnapshotFilter } from './snapshot-filter.js';
import { formatGroup, formatSnapshotTable, type SnapshotTable } from './snapshot-table.js';

interface SnapshotsOptions extends CommonOptions, SnapshotFilterOptions {
  readonly latest?: number;
  readonly groupBy?: string;
  readonly compact?: boolean;
}

export function snapshotsCommand(context: CommandContext): Command {
  return withSnapshotFilter(newCommand('snapshots', 'list the snapshots, oldest first'))
    .option('--latest <n>', 'only the last n of each host and paths', parseCount)
    .option('-g, --group-by <group>', 'in groups by host, paths and/or tags, separated by commas')
    .option('-c, --compact', 'without paths and sizes')
    .action((options: SnapshotsOptions) => snapshots(context, options));
}

async function snapshots(context: CommandContext, options: SnapshotsOptions): Promise<void> {
  const { latest, groupBy, compact = false } = options;
  const groupings = parseGroupings(groupBy ?? '');
  const all = await withEngine(context, options, (engine, running) => engine.snapshots(running));
  // Of all snapshots, so that a short id is accepted back whatever was filtered away.
  const shortId = shortIdsOf(all.map(({ id }) => id));
  const chosen = filterSnapshots(all, snapshotFilterOf(options));
  const list = latest === undefined ? chosen : lastOfEachPlace(chosen, latest);
  const groups = groupSnapshots(list, groupings);
  const documents = groups.map((group) =>
    group.snapshots.map((stored) => snapshotDocument(stored, shortId(stored.id))),
  );
  context.terminal.result(
    groupings.length === 0
      ? documents.flat()
      : groups.map(({ key }, i) => ({ group_key: groupKeyDocument(key), snapshots: documents[i] })),
    () => formatGroups(groups, { shortId, compact }),
  );
}

function formatGroups(groups: readonly SnapshotGroup<StoredSnapshot>[], table: SnapshotTable): string {
  if (groups.length === 0) return formatSnapshotTable([], table);
  return groups.map(({ key, snapshots }) => formatGroup(key) + formatSnapshotTable(snapshots, table)).join('\n\n');
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It is a number, 1 or more.');
  return Number(text);
}
