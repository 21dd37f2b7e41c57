// `peerkeep browse`: all snapshots as read-only folders, by WebDAV and in a browser, until Ctrl-C.
import { once } from 'node:events';
import type { Command } from 'commander';
import { parseListenAddress, readSecretFile } from '#process';
import { ProtocolError } from '#protocol';
import type { Credentials } from '../browse/access.js';
import { BrowseServer } from '../browse/browse-server.js';
import { type CommandContext, type CommonOptions, newCommand, withEngine } from './command-context.js';
import { withLan } from './lan-options.js';
import { withLimits } from './limit-options.js';
import { type SnapshotFilterOptions, snapshotFilterOf, withSnapshotFilter } from './snapshot-filter.js';

const LISTEN_DEFAULT = '127.0.0.1:1971';

interface BrowseOptions extends CommonOptions, SnapshotFilterOptions {
  readonly listen: string;
  readonly user?: string;
  readonly passwordFile?: string;
}

export function browseCommand(context: CommandContext): Command {
  return withSnapshotFilter(
    withLan(withLimits(newCommand('browse', 'look into snapshots with a browser or by WebDAV, read-only'))),
  )
    .option('--listen <host:port>', 'where to listen; only this machine reaches the default', LISTEN_DEFAULT)
    .option('--user <name>', 'ask for this name and the password of --password-file')
    .option('--password-file <file>', 'a file that only you can read, with the password in its first line')
    .action((options: BrowseOptions) => browse(context, options));
}

async function browse(context: CommandContext, options: BrowseOptions): Promise<void> {
  const listen = parseListenAddress(options.listen);
  if (listen === null) throw new ProtocolError('usage', {}, { detail: '--listen: HOST:PORT or [IPv6]:PORT' });
  const credentials = await credentialsOf(options);
  const { clock, log, signal, terminal } = context;
  await withEngine(context, options, async (engine, running) => {
    const view = await engine.view({ ...running, filter: snapshotFilterOf(options) });
    const server = await BrowseServer.start({ view, listen, credentials, clock, log, signal });
    try {
      terminal.result(
        { message_type: 'listening', url: server.url, snapshots: view.snapshots.length },
        () => server.url,
      );
      terminal.say('press Ctrl-C to end');
      // Ctrl-C is how it ends: that is no failure.
      if (!signal.aborted) await once(signal, 'abort');
    } finally {
      await server.close();
    }
  });
}

async function credentialsOf({ user, passwordFile }: BrowseOptions): Promise<Credentials | null> {
  if (user === undefined && passwordFile === undefined) return null;
  if (user === undefined || passwordFile === undefined || user.includes(':')) {
    throw new ProtocolError('usage', {}, { detail: '--user, without a colon, and --password-file go together' });
  }
  const text = await readSecretFile(passwordFile).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new ProtocolError('path_missing', { path: passwordFile }, { cause: error });
    throw error;
  });
  const [password = ''] = text.toString().split(/\r?\n/);
  if (password === '') throw new ProtocolError('usage', {}, { detail: `${passwordFile} has no password` });
  return { user, password };
}
