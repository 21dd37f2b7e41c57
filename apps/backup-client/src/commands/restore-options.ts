// What the options of `peerkeep restore` mean: patterns read from their files, the snapshot taken apart from its folder.
import { readFile } from 'node:fs/promises';
import {
  expandVariables,
  linesOfListFile,
  OVERWRITE_POLICIES,
  type OverwritePolicy,
  type RestoreOrder,
  textOfListFile,
} from '#backup';
import { ProtocolError } from '#protocol';
import type { CommandContext, CommonOptions } from './command-context.js';
import type { SnapshotFilterOptions } from './snapshot-filter.js';

/** As commander collects them. */
export interface RestoreOptions extends CommonOptions, SnapshotFilterOptions {
  readonly target: string;
  readonly include: readonly string[];
  readonly iinclude: readonly string[];
  readonly includeFile: readonly string[];
  readonly iincludeFile: readonly string[];
  readonly exclude: readonly string[];
  readonly iexclude: readonly string[];
  readonly excludeFile: readonly string[];
  readonly iexcludeFile: readonly string[];
  readonly overwrite?: string;
  readonly delete?: boolean;
  readonly dryRun?: boolean;
  readonly sparse?: boolean;
  readonly verify?: boolean;
  readonly kit?: string;
}

/** `latest:home/ann` is the folder home/ann of the latest snapshot. */
export function parseSnapshotFolder(text: string): { readonly snapshot: string; readonly folder?: string } {
  const colon = text.indexOf(':');
  return colon === -1 ? { snapshot: text } : { snapshot: text.slice(0, colon), folder: text.slice(colon + 1) };
}

/** throws usage for an unknown policy | local_disk for a file that cannot be read */
export async function restoreOrderOf(context: CommandContext, options: RestoreOptions): Promise<RestoreOrder> {
  const patterns = async (given: readonly string[], files: readonly string[]): Promise<string[]> => {
    const texts = await Promise.all(files.map(readPatternFile));
    return [...given, ...texts.flatMap(linesOfListFile).map((line) => expandVariables(line, context.environment))];
  };
  return {
    target: options.target,
    includes: await patterns(options.include, options.includeFile),
    iincludes: await patterns(options.iinclude, options.iincludeFile),
    excludes: await patterns(options.exclude, options.excludeFile),
    iexcludes: await patterns(options.iexclude, options.iexcludeFile),
    ...(options.overwrite === undefined ? {} : { overwrite: parsePolicy(options.overwrite) }),
    deletes: options.delete === true,
    dryRun: options.dryRun === true,
    sparse: options.sparse === true,
    verify: options.verify === true,
  };
}

function parsePolicy(text: string): OverwritePolicy {
  const policy = OVERWRITE_POLICIES.find((known) => known === text);
  if (policy !== undefined) return policy;
  const detail = `--overwrite takes ${OVERWRITE_POLICIES.join(', ')}; not "${text}"`;
  throw new ProtocolError('usage', {}, { detail });
}

async function readPatternFile(path: string): Promise<string> {
  try {
    return textOfListFile(await readFile(path));
  } catch (cause) {
    throw new ProtocolError('local_disk', { path }, { cause, detail: `${path}: the list of patterns cannot be read` });
  }
}
