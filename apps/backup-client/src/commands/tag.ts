// `peerkeep tag`: changes the tags of snapshots.
import type { Command } from 'commander';
import { parseTags, shortIdsOf, type TagSummary } from '#backup';
import { ProtocolError } from '#protocol';
import { EXIT } from '../exit-codes.js';
import { formatCounted } from '../format.js';
import { type CommandContext, type CommonOptions, collect, newCommand, withEngine } from './command-context.js';
import {
  SNAPSHOT_ARGUMENT,
  type SnapshotFilterOptions,
  snapshotFilterOf,
  withSnapshotFilter,
} from './snapshot-filter.js';

interface TagOptions extends CommonOptions, SnapshotFilterOptions {
  readonly set: readonly string[];
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

export function tagCommand(context: CommandContext): Command {
  return withSnapshotFilter(newCommand('tag', 'change the tags of snapshots'))
    .argument('[snapshot...]', `${SNAPSHOT_ARGUMENT}; without any, all that the options choose`)
    .option('--set <tags>', "these tags, a,b, and no others; '' for none; may be given again", collect, [])
    .option('--add <tags>', 'these tags as well; may be given again', collect, [])
    .option('--remove <tags>', 'not these tags; may be given again', collect, [])
    .action((ids: string[], options: TagOptions) => tag(context, ids, options));
}

async function tag(context: CommandContext, ids: readonly string[], options: TagOptions): Promise<void> {
  const [set, add, remove] = [options.set, options.add, options.remove].map(allTags) as [string[], string[], string[]];
  const replaces = options.set.length > 0;
  if (!replaces && add.length === 0 && remove.length === 0) {
    throw new ProtocolError('usage', {}, { detail: 'nothing to do: give --set, --add or --remove' });
  }
  if (replaces && (add.length > 0 || remove.length > 0)) {
    throw new ProtocolError('usage', {}, { detail: '--set goes with neither --add nor --remove' });
  }
  const change = { set: replaces ? set : null, add, remove };
  const filter = snapshotFilterOf(options);
  const summary = await withEngine(context, options, (engine, running) =>
    engine.tag({ ...running, ...change, ids, filter }),
  );
  report(context, summary);
}

function report({ terminal, setExitCode }: CommandContext, { known, changed, retained }: TagSummary): void {
  const shortId = shortIdsOf([...known, ...changed.map(({ newId }) => newId)]);
  for (const { objectId, until } of retained) {
    terminal.warn(`the old snapshot ${shortId(objectId)} is to be kept until ${until}, and stays beside the new one`);
  }
  if (retained.length > 0) setExitCode(EXIT.incomplete);
  const document = {
    message_type: 'summary',
    changed_snapshots: changed.length,
    changes: changed.map(({ oldId, newId }) => ({ old_snapshot_id: oldId, new_snapshot_id: newId })),
  };
  terminal.result(document, () =>
    [
      ...changed.map(({ oldId, newId }) => `${shortId(oldId)} is now ${shortId(newId)}`),
      `changed the tags of ${formatCounted(changed.length, 'snapshot')}`,
    ].join('\n'),
  );
}

function allTags(lists: readonly string[]): string[] {
  return lists.flatMap(parseTags).filter((tag) => tag !== '');
}
