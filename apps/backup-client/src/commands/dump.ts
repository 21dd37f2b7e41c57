// `peerkeep dump SNAPSHOT PATH`: one file of a snapshot as it is, or a folder as an archive, to stdout or a file.
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { Command } from 'commander';
import { ARCHIVE_FORMATS, type ArchiveFormat } from '#backup';
import { ProtocolError } from '#protocol';
import type { Terminal } from '../terminal.js';
import { type CommandContext, type CommonOptions, newCommand, withEngine } from './command-context.js';
import { withLan } from './lan-options.js';
import { withLimits } from './limit-options.js';
import { parseSnapshotFolder } from './restore-options.js';
import {
  SNAPSHOT_ARGUMENT,
  type SnapshotFilterOptions,
  snapshotFilterOf,
  withSnapshotFilter,
} from './snapshot-filter.js';

interface DumpOptions extends CommonOptions, SnapshotFilterOptions {
  readonly archive: string;
  readonly target?: string;
}

export function dumpCommand(context: CommandContext): Command {
  return withSnapshotFilter(
    withLan(withLimits(newCommand('dump', 'write a file of a snapshot, or a folder as an archive, to stdout'))),
  )
    .argument('<snapshot[:folder]>', SNAPSHOT_ARGUMENT)
    .argument('<path>', 'file or folder of the snapshot; / is everything')
    .option('-a, --archive <format>', 'how a folder is written: tar or zip', 'tar')
    .option('-t, --target <file>', 'write into this file')
    .action((snapshot: string, path: string, options: DumpOptions) => dump(context, snapshot, path, options));
}

async function dump(context: CommandContext, wanted: string, path: string, options: DumpOptions): Promise<void> {
  const archive = parseFormat(options.archive);
  const order = { ...parseSnapshotFolder(wanted), path, archive, filter: snapshotFilterOf(options) };
  await withEngine(context, options, async (engine, running) => {
    const { terminal } = context;
    const toTerminal = options.target === undefined && terminal.isTerminal;
    const write = (output: Writable) => engine.dump({ ...running, ...order, output, toTerminal });
    if (options.target === undefined) await write(stdoutOf(terminal));
    else await intoFile(options.target, write);
  });
}

function parseFormat(text: string): ArchiveFormat {
  const format = ARCHIVE_FORMATS.find((known) => known === text);
  if (format !== undefined) return format;
  throw new ProtocolError('usage', {}, { detail: `--archive takes ${ARCHIVE_FORMATS.join(' or ')}; not "${text}"` });
}

/** As fast as somebody reads it. */
function stdoutOf(terminal: Terminal): Writable {
  return new Writable({
    write: (piece: Uint8Array, _encoding, done) => {
      terminal.bytes(piece).then(() => done(), done);
    },
  });
}

/** The file is there when all of it is: a dump that fails leaves what was there before. throws local_disk */
async function intoFile(target: string, write: (output: Writable) => Promise<unknown>): Promise<void> {
  const partial = `${target}.peerkeep-${process.pid}.partial`;
  const output = createWriteStream(partial, { flags: 'wx', mode: 0o600 });
  // Told by `finished`, also when it comes before anybody waits.
  const ended = finished(output);
  ended.catch(() => undefined);
  try {
    await write(output);
    output.end();
    await ended;
    await rename(partial, target);
  } catch (error) {
    output.destroy();
    await rm(partial, { force: true });
    if (error instanceof ProtocolError) throw error;
    throw new ProtocolError('local_disk', { path: target }, { cause: error });
  }
}
