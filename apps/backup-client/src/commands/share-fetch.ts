// `peerkeep share fetch LINK`: gets a shared file without a browser, so that no page, and no relay that could change one, is
// trusted with its key.
import { createWriteStream } from 'node:fs';
import { link, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { openShareHead, openSharePieces, parseShareLink, sharePathOf } from '#backup';
import { ProtocolError, readAtMost, SHARE_HEAD_BYTES, SHARE_TICKET_ANSWER_BYTES_MAX } from '#protocol';
import { formatBytes, printable } from '../format.js';
import { type CommandContext, newCommand } from './command-context.js';
import { savedNameOf } from './shared-file-name.js';

interface FetchOptions {
  readonly target?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function fetchShareCommand(context: CommandContext): Command {
  return newCommand('fetch', 'get the file that a link leads to, without a browser')
    .argument('<link>', 'https://NAME/s/ID#KEY, in quotes')
    .option('-t, --target <file>', 'where to save it; else under its own name, here')
    .action((text: string, options: FetchOptions) => fetchShare(context, text, options));
}

async function fetchShare({ terminal, signal }: CommandContext, text: string, options: FetchOptions): Promise<void> {
  terminal.useOutput({
    json: options.json === true,
    quiet: options.quiet === true,
    verbosity: 0,
    lineIntervalMs: 0,
    isDumb: true,
  });
  const shared = parseShareLink(text);
  const base = `${shared.origin}${sharePathOf(shared.id)}`;
  const head = await readAtMost((await ask(`${base}/head`, { signal })).body, SHARE_HEAD_BYTES);
  // The key is right, and the name is known, before a download is counted.
  const { name, sizeBytes } = openShareHead(shared, head);
  const target = resolve(options.target ?? savedNameOf(name));
  const headers = { origin: shared.origin };
  const ticket = await ticketFrom(await ask(`${base}/downloads`, { method: 'POST', headers, signal }));
  const sealed = await ask(`${base}/sealed`, {
    headers: { 'peerkeep-ticket': ticket, range: `bytes=${SHARE_HEAD_BYTES}-` },
    signal,
  });
  if (sizeBytes > 0 && sealed.status !== 206) throw new ProtocolError('share_damaged', { status: sealed.status });
  const pieces = sizeBytes > 0 && sealed.body !== null ? sealed.body : Readable.from([]);
  await saveWhole(target, openSharePieces(shared, sizeBytes, pieces as AsyncIterable<Uint8Array>));
  terminal.result({ target, name, size: sizeBytes }, () => `${printable(target)}: ${formatBytes(sizeBytes)}`);
}

/** throws share_damaged */
async function ticketFrom({ body }: Response): Promise<string> {
  const text = Buffer.from(await readAtMost(body, SHARE_TICKET_ANSWER_BYTES_MAX)).toString();
  try {
    return String((JSON.parse(text) as { ticket?: unknown }).ticket);
  } catch (error) {
    throw new ProtocolError('share_damaged', { part: 'ticket' }, { cause: error });
  }
}

/** The file is there when all of it is proven; nothing is written over. throws local_disk | what the content throws */
async function saveWhole(target: string, content: AsyncIterable<Uint8Array>): Promise<void> {
  const partial = `${target}.peerkeep-${process.pid}.partial`;
  try {
    await pipeline(content, createWriteStream(partial, { flags: 'wx', mode: 0o600 }));
    await link(partial, target);
  } catch (error) {
    if (error instanceof ProtocolError || (error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw new ProtocolError('local_disk', { path: target }, { cause: error });
  } finally {
    await rm(partial, { force: true });
  }
}

/** throws share_gone | peer_unreachable | interrupted */
async function ask(address: string, init: RequestInit): Promise<Response> {
  const answer = await fetch(address, { ...init, redirect: 'error' }).catch((error: unknown) => {
    if (init.signal?.aborted === true) throw new ProtocolError('interrupted');
    throw new ProtocolError('peer_unreachable', {}, { cause: error });
  });
  if (answer.ok || answer.status === 416) return answer;
  throw new ProtocolError(answer.status === 404 ? 'share_gone' : 'peer_unreachable', { status: answer.status });
}
