// `peerkeep ls SNAPSHOT`: lists every entry of a snapshot, one a line.
import type { Command } from 'commander';
import type { ListedEntry } from '#backup';
import { formatBytes, formatLocalTime, formatMode, printable } from '../format.js';
import { type CommandContext, type CommonOptions, newCommand, withEngine } from './command-context.js';

export function lsCommand(context: CommandContext): Command {
  return newCommand('ls', 'list the entries of a snapshot')
    .argument('<snapshot>', 'latest, an id, or the first 8 or more characters of one')
    .action((snapshot: string, options: CommonOptions) => ls(context, snapshot, options));
}

async function ls({ terminal, ...context }: CommandContext, snapshot: string, options: CommonOptions): Promise<void> {
  await withEngine({ terminal, ...context }, options, (engine, running) =>
    engine.list(snapshot, running, (listed) => terminal.result(infoOf(listed), () => formatEntry(listed))),
  );
}

/** One line of JSON. Times are exact, as nanoseconds since 1970 in decimal; a 64-bit number would lose digits. */
function infoOf({ path, entry }: ListedEntry) {
  const { type, mode, uid, gid } = entry;
  return {
    path,
    type,
    mode,
    uid,
    gid,
    mtimeNs: String(entry.mtimeNs),
    ...(entry.type === 'file' ? { sizeBytes: entry.sizeBytes } : {}),
    ...(entry.type === 'symlink' ? { linkTarget: Buffer.from(entry.linkTarget).toString() } : {}),
  };
}

const SIZE_CHARS = '1023.9 KiB'.length;

export function formatEntry({ path, entry }: ListedEntry): string {
  const size = entry.type === 'file' ? formatBytes(entry.sizeBytes) : '-';
  const time = formatLocalTime(Number(entry.mtimeNs / 1_000_000n));
  const target = entry.type === 'symlink' ? ` -> ${printable(Buffer.from(entry.linkTarget).toString())}` : '';
  return `${formatMode(entry.type, entry.mode)}  ${size.padStart(SIZE_CHARS)}  ${time}  ${printable(path)}${target}`;
}
