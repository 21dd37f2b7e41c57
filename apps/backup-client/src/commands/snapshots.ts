// `peerkeep snapshots`: lists what can be restored.
import type { Command } from 'commander';
import type { StoredSnapshot } from '#backup';
import { parseTime } from '#protocol';
import { formatBytes, formatCount, formatCounted, formatLocalTime, formatTable, printable } from '../format.js';
import { type CommandContext, type CommonOptions, newCommand, withEngine } from './command-context.js';

export function snapshotsCommand(context: CommandContext): Command {
  return newCommand('snapshots', 'list all snapshots, oldest first').action((options: CommonOptions) =>
    snapshots(context, options),
  );
}

async function snapshots(context: CommandContext, options: CommonOptions): Promise<void> {
  const stored = await withEngine(context, options, (engine, running) => engine.snapshots(running));
  context.terminal.result(stored.map(infoOf), () => formatSnapshots(stored));
}

/** What a program may want to know; the root of the tree is the engine's own business. */
function infoOf({ id, snapshot }: StoredSnapshot) {
  const { root: _root, id: _name, ...info } = snapshot;
  return { id, ...info };
}

export function formatSnapshots(stored: readonly StoredSnapshot[]): string {
  const rows = stored.map(({ id, snapshot }) => [
    id,
    formatLocalTime(parseTime(snapshot.time) ?? Number.NaN),
    printable(snapshot.hostname),
    formatCount(snapshot.files),
    formatBytes(snapshot.sourceBytes),
    snapshot.paths.map(printable).join(', '),
  ]);
  const columns = [
    { title: 'ID' },
    { title: 'Time' },
    { title: 'Host' },
    { title: 'Files', alignRight: true },
    { title: 'Size', alignRight: true },
    { title: 'Paths' },
  ];
  const count = formatCounted(stored.length, 'snapshot');
  return stored.length === 0 ? count : `${formatTable(columns, rows)}\n${count}`;
}
