// The options that choose snapshots, `--host`, `--tag` and `--path`: every command with a snapshot argument has them.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { parseTags, type SnapshotFilter } from '#backup';
import { collect } from './command-context.js';

/** As commander collects them. */
export interface SnapshotFilterOptions {
  readonly host: readonly string[];
  readonly tag: readonly string[];
  readonly path: readonly string[];
}

export const SNAPSHOT_ARGUMENT =
  '`latest` of those that the options choose, an id, or 8 or more of its first or last characters';

/** hostFlag: `forget` has another meaning for -H, as restic's has. */
export function withSnapshotFilter(command: Command, hostFlag: '-H, ' | '' = '-H, '): Command {
  return command
    .option(
      `${hostFlag}--host <host>`,
      'only snapshots of this host; may be given again for one of several',
      collect,
      [],
    )
    .option(
      '--tag <tags>',
      "only snapshots with all of these tags, a,b; '' for those without; any of several",
      collect,
      [],
    )
    .option('--path <path>', 'only snapshots of this path; may be given again: all of them', collect, []);
}

/** Paths are taken from the working folder, as backup takes them. */
export function snapshotFilterOf({ host, tag, path }: SnapshotFilterOptions): SnapshotFilter {
  return { hosts: host, tags: tag.map(parseTags), paths: path.map((one) => resolve(one)) };
}
