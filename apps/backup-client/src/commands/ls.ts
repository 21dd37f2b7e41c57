// `peerkeep ls SNAPSHOT [DIR…]`: lists the entries of a snapshot, one a line.
import type { Command } from 'commander';
import type { ListedEntry, StoredSnapshot } from '#backup';
import { ProtocolError } from '#protocol';
import { formatLocalTime, printable } from '../format.js';
import { type CommandContext, type CommonOptions, newCommand, withEngine } from './command-context.js';
import { entryDocument, formatEntry } from './entry-document.js';
import { snapshotDocument } from './snapshot-document.js';
import {
  SNAPSHOT_ARGUMENT,
  type SnapshotFilterOptions,
  snapshotFilterOf,
  withSnapshotFilter,
} from './snapshot-filter.js';

interface LsOptions extends CommonOptions, SnapshotFilterOptions {
  readonly long?: boolean;
  readonly recursive?: boolean;
}

export function lsCommand(context: CommandContext): Command {
  return withSnapshotFilter(newCommand('ls', 'list the entries of a snapshot'))
    .argument('<snapshot>', SNAPSHOT_ARGUMENT)
    .argument('[dir...]', 'only these folders of the snapshot and what lies in them, as /a/b')
    .option('-l, --long', 'with mode, owner, size and time')
    .option('--recursive', 'with DIR: also what lies in the folders below')
    .action((snapshot: string, folders: string[], options: LsOptions) => ls(context, snapshot, folders, options));
}

async function ls(
  context: CommandContext,
  snapshot: string,
  folders: readonly string[],
  options: LsOptions,
): Promise<void> {
  const { terminal } = context;
  const filter = snapshotFilterOf(options);
  const recursive = folders.length === 0 || options.recursive === true;
  const wish = { snapshot, filter, folders: folders.map(folderOf), recursive };
  const found = (stored: StoredSnapshot): void => {
    if (terminal.isJson) {
      const document = snapshotDocument(stored, stored.id.slice(-SHORT_ID_CHARS));
      terminal.message({ ...document, struct_type: 'snapshot', message_type: 'snapshot' });
    } else {
      const { time, paths } = stored.snapshot;
      terminal.say(`snapshot ${stored.id} of ${paths.join(', ')} at ${formatLocalTime(Date.parse(time))}`);
    }
  };
  const tell = ({ path, entry }: ListedEntry): void =>
    terminal.result({ ...entryDocument(path, entry), struct_type: 'node', message_type: 'node' }, () =>
      options.long === true ? formatEntry(path, entry) : printable(path),
    );
  await withEngine(context, options, (engine, running) => engine.list({ ...wish, ...running }, found, tell));
}

const SHORT_ID_CHARS = 8;

function folderOf(text: string): string {
  if (!text.startsWith('/'))
    throw new ProtocolError('usage', {}, { detail: `${text}: a folder of a snapshot starts with /` });
  return text;
}
