// `peerkeep find PATTERN…`: in which snapshots is a file, and what was it like there?
import type { Command } from 'commander';
import type { FindWish, FoundEntry, StoredSnapshot } from '#backup';
import { ProtocolError } from '#protocol';
import { formatLocalTime, printable } from '../format.js';
import { type CommandContext, type CommonOptions, collect, newCommand, withEngine } from './command-context.js';
import { entryDocument, formatEntry } from './entry-document.js';
import { type SnapshotFilterOptions, snapshotFilterOf, withSnapshotFilter } from './snapshot-filter.js';

interface FindOptions extends CommonOptions, SnapshotFilterOptions {
  readonly ignoreCase?: boolean;
  readonly long?: boolean;
  readonly oldest?: string;
  readonly newest?: string;
  readonly snapshot: readonly string[];
  readonly chunk?: boolean;
  readonly object?: boolean;
}

export function findCommand(context: CommandContext): Command {
  return withSnapshotFilter(newCommand('find', 'find files and folders in all snapshots, the newest first'))
    .argument('<pattern...>', 'as of --exclude: a name, a path, or a glob of either')
    .option('-i, --ignore-case', 'upper and lower case are the same')
    .option('-l, --long', 'with mode, owner, size and time')
    .option('-O, --oldest <time>', 'only what was modified then or later: 2026-11-20, or with a time')
    .option('-N, --newest <time>', 'only what was modified then or earlier')
    .option('-s, --snapshot <id>', 'only in this snapshot; may be given again', collect, [])
    .option('--chunk', 'a pattern is the id of a chunk: which files and folders have it')
    .option('--object', 'a pattern is the id of an object: which files and folders are in it')
    .action((patterns: string[], options: FindOptions) => find(context, patterns, options));
}

interface Hits {
  readonly stored: StoredSnapshot;
  readonly matches: FoundEntry[];
}

async function find(context: CommandContext, patterns: readonly string[], options: FindOptions): Promise<void> {
  const { terminal } = context;
  const wish = wishOf(patterns, options);
  const documents: object[] = [];
  let open: Hits | null = null;
  const onFound = (stored: StoredSnapshot, found: FoundEntry): void => {
    if (terminal.isJson) {
      open ??= { stored, matches: [] };
      open.matches.push(found);
      return;
    }
    if (open?.stored !== stored) {
      const isFirst = open === null;
      open = { stored, matches: [] };
      const time = formatLocalTime(Date.parse(stored.snapshot.time));
      terminal.result(null, () => `${isFirst ? '' : '\n'}found in snapshot ${stored.id} from ${time}`);
    }
    const { path, entry, objectId, chunk } = found;
    const why =
      chunk === undefined ? '' : `  (chunk ${chunk}${objectId === undefined ? '' : ` in object ${objectId}`})`;
    terminal.result(null, () => (options.long === true ? formatEntry(path, entry) : printable(path)) + why);
  };
  const onEnd = (stored: StoredSnapshot, hits: number): void => {
    if (!terminal.isJson || open === null) return;
    const matches = open.matches.map(({ path, entry, chunk, objectId }) => ({
      ...entryDocument(path, entry),
      ...(chunk === undefined ? {} : { chunk }),
      ...(objectId === undefined ? {} : { object_id: objectId }),
    }));
    documents.push({ matches, hits, snapshot: stored.id });
    open = null;
  };
  const request = { snapshots: options.snapshot, filter: snapshotFilterOf(options), wish };
  await withEngine(context, options, (engine, running) =>
    engine.search({ ...running, ...request }, { onFound, onEnd }),
  );
  if (terminal.isJson) terminal.message(documents);
}

function wishOf(patterns: readonly string[], options: FindOptions): FindWish {
  const times = {
    ...(options.oldest === undefined ? {} : { oldest: timeOf(options.oldest) }),
    ...(options.newest === undefined ? {} : { newest: timeOf(options.newest) }),
  };
  const ignoreCase = options.ignoreCase === true;
  if (options.chunk === true && options.object === true) {
    throw new ProtocolError('usage', {}, { detail: 'a pattern is a chunk or an object, not both' });
  }
  if (options.chunk === true) return { patterns: [], ignoreCase, ...times, chunks: patterns.map(chunkPart) };
  if (options.object === true) return { patterns: [], ignoreCase, ...times, objects: patterns };
  return { patterns, ignoreCase, ...times };
}

function chunkPart(text: string): string {
  if (/^[A-Za-z0-9_-]{8,43}$/.test(text)) return text;
  throw new ProtocolError('usage', {}, { detail: `${text}: a chunk is named by 8 to 43 characters of base64url` });
}

/** restic's forms: a day, or a day and a time, in the time zone of this machine; or RFC 3339. */
function timeOf(text: string): bigint {
  const local = /^\d{4}-\d{2}-\d{2}( \d{2}:\d{2}(:\d{2})?)?$/.test(text);
  const ms = Date.parse(local ? (text.length === 10 ? `${text}T00:00:00` : text.replace(' ', 'T')) : text);
  if (Number.isNaN(ms))
    throw new ProtocolError('usage', {}, { detail: `${text}: a time is like 2026-11-20 or "2026-11-20 08:00"` });
  return BigInt(ms) * 1_000_000n;
}
