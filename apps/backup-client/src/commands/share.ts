// `peerkeep share`: links under which others get one file of a snapshot from this machine's agent, opened in their browser.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Command } from 'commander';
import {
  type BackupEngine,
  formatShareLink,
  type Running,
  SHARE_DOWNLOADS_DEFAULT,
  SHARE_DOWNLOADS_MAX,
  SHARE_LIFE_MS_MAX,
  SHARE_LIFE_MS_MIN,
  type SharedFile,
  ShareFolder,
  type SnapshotFilter,
} from '#backup';
import { openReadOnly } from '#database';
import { PeerHome, readHomeKey } from '#peer-home';
import { formatTime, ProtocolError, SHARE_ID_BYTES, SHARE_KEY_BYTES } from '#protocol';
import { formatBytes, formatLocalTime, formatTable, printable } from '../format.js';
import { parseDuration } from '../parse-amounts.js';
import { type CommandContext, type CommonOptions, homePathFor, newCommand, withEngine } from './command-context.js';
import { withLimits } from './limit-options.js';
import { fetchShareCommand } from './share-fetch.js';
import {
  SNAPSHOT_ARGUMENT,
  type SnapshotFilterOptions,
  snapshotFilterOf,
  withSnapshotFilter,
} from './snapshot-filter.js';

interface CreateOptions extends CommonOptions, SnapshotFilterOptions {
  readonly expires: string;
  readonly downloads: string;
  readonly origin?: string;
}

export function shareCommand(context: CommandContext): Command {
  const create = withSnapshotFilter(
    withLimits(newCommand('create', 'make a link to one file of a snapshot; it is printed once, and kept nowhere')),
  )
    .argument('<snapshot>', SNAPSHOT_ARGUMENT)
    .argument('<path>', 'file of the snapshot, as /a/b.txt')
    .option('--expires <duration>', 'how long the link works: 12h, 7d', '7d')
    .option('--downloads <count>', 'how many downloads it is good for', String(SHARE_DOWNLOADS_DEFAULT))
    .option('--origin <url>', "where browsers reach the agent's pages, when it is not under this machine's public name")
    .action((snapshot: string, path: string, options: CreateOptions) => createShare(context, snapshot, path, options));
  return new Command('share')
    .description('links to single files of snapshots, opened in a browser; the agent runs with --web-visits')
    .addCommand(create)
    .addCommand(
      newCommand('list', 'list what is shared, and how often it was downloaded').action((options: CommonOptions) =>
        listShares(context, options),
      ),
    )
    .addCommand(
      newCommand('revoke', 'withdraw a link')
        .argument('<id>', 'as `peerkeep share list` shows it')
        .action((id: string, options: CommonOptions) => revokeShare(context, id, options)),
    )
    .addCommand(fetchShareCommand(context));
}

async function createShare(
  context: CommandContext,
  snapshot: string,
  path: string,
  options: CreateOptions,
): Promise<void> {
  const lifeMs = parseDuration(options.expires);
  if (lifeMs < SHARE_LIFE_MS_MIN || lifeMs > SHARE_LIFE_MS_MAX) throw usage('--expires is from 1m to 366d');
  const downloadsMax = /^\d{1,7}$/.test(options.downloads) ? Number(options.downloads) : 0;
  if (downloadsMax < 1 || downloadsMax > SHARE_DOWNLOADS_MAX) {
    throw usage(`--downloads is a number from 1 to ${SHARE_DOWNLOADS_MAX}`);
  }
  const { clock, terminal } = context;
  const home = await openHome(context, options);
  const origin = options.origin === undefined ? publicOrigin(home) : parseOrigin(options.origin);
  const secret = { id: randomBytes(SHARE_ID_BYTES), key: randomBytes(SHARE_KEY_BYTES) };
  const createdAtMs = clock.nowMs();
  const terms = { createdAtMs, expiresAtMs: createdAtMs + lifeMs, downloadsMax };
  const wanted = { snapshot, path, filter: snapshotFilterOf(options) };
  const shared = await withEngine(context, options, async (engine, running) => {
    const { content, ...file } = await findFile(engine, running, wanted);
    return new ShareFolder(home.path).create(secret, { ...file, path, ...terms }, content);
  });
  const link = origin === null ? null : formatShareLink({ origin, ...secret });
  const local = formatShareLink({ origin: '', ...secret });
  terminal.result({ ...documentOf({ ...shared, downloads: 0 }), link, path_and_key: local }, () => link ?? local);
  if (link === null) {
    terminal.warn(
      "this network has no public name for this machine: put the address of its agent's pages before the link",
    );
  }
  terminal.say('whoever has the link has the file; the agent must run with --web-visits');
}

/** One file of a snapshot, to be read while the engine is open. throws snapshot_unknown | path_missing */
async function findFile(
  engine: BackupEngine,
  running: Running,
  { snapshot, path, filter }: { readonly snapshot: string; readonly path: string; readonly filter: SnapshotFilter },
) {
  const { stored, view } = await engine.look({ ...running, snapshot, filter });
  const steps = path.split('/').flatMap((step) => (step === '' || step === '.' ? [] : [Buffer.from(step)]));
  const entry = await view.resolve(steps, running.signal);
  if (entry?.type !== 'file')
    throw new ProtocolError('path_missing', {}, { detail: `${path}: is no file of the snapshot` });
  return {
    name: Buffer.from(entry.name).toString(),
    snapshotId: stored.id,
    sizeBytes: entry.sizeBytes,
    modifiedMs: Number(entry.mtimeNs / 1_000_000n),
    content: view.read(entry, running.signal),
  };
}

async function listShares(context: CommandContext, options: CommonOptions): Promise<void> {
  const home = await openHome(context, options);
  const nowMs = context.clock.nowMs();
  const shares = (await new ShareFolder(home.path).list()).filter(({ expiresAtMs }) => expiresAtMs > nowMs);
  const counts = await readCounts(home.path);
  const counted = shares.map((share) => ({ ...share, downloads: counts.get(share.id) ?? 0 }));
  const columns = [
    { title: 'ID' },
    { title: 'File' },
    { title: 'Size', alignRight: true },
    { title: 'Downloads', alignRight: true },
    { title: 'Until' },
  ];
  const rows = counted.map(({ id, name, sizeBytes, downloads, downloadsMax, expiresAtMs }) => [
    id,
    printable(name),
    formatBytes(sizeBytes),
    `${downloads} of ${downloadsMax}`,
    formatLocalTime(expiresAtMs),
  ]);
  context.terminal.result({ shares: counted.map(documentOf) }, () => formatTable(columns, rows));
}

async function revokeShare(context: CommandContext, id: string, options: CommonOptions): Promise<void> {
  const home = await openHome(context, options);
  if (!(await new ShareFolder(home.path).remove(id)))
    throw new ProtocolError('share_gone', {}, { detail: `${id}: no such share` });
  context.terminal.result(
    { id, revoked: true },
    () => `${id}: withdrawn; what was downloaded before stays with whoever has it`,
  );
}

async function openHome(context: CommandContext, options: CommonOptions): Promise<PeerHome> {
  return PeerHome.open(homePathFor(context, options), await readHomeKey(context.environment));
}

/** As the agent counts them; nothing in a home where no agent has run. */
async function readCounts(homePath: string): Promise<ReadonlyMap<string, number>> {
  const file = join(homePath, 'agent.db');
  const database = await openReadOnly({ file, entities: [] }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'SQLITE_CANTOPEN') return null;
    throw error;
  });
  if (database === null) return new Map();
  try {
    const [table] = await database.reads.query<object[]>("SELECT 1 FROM sqlite_master WHERE name = 'share_use'");
    if (table === undefined) return new Map();
    const rows = await database.reads.query<{ share_id: string; downloads: number }[]>(
      'SELECT share_id, downloads FROM share_use',
    );
    return new Map(rows.map((row) => [row.share_id, Number(row.downloads)]));
  } finally {
    await database.close();
  }
}

function documentOf(share: SharedFile & { readonly downloads: number }): Record<string, unknown> {
  const { id, name, snapshotId, path, sizeBytes, createdAtMs, expiresAtMs, downloads, downloadsMax } = share;
  return {
    id,
    name,
    snapshot_id: snapshotId,
    path,
    size: sizeBytes,
    created: formatTime(createdAtMs),
    expires: formatTime(expiresAtMs),
    downloads,
    downloads_max: downloadsMax,
  };
}

function publicOrigin({ network }: PeerHome): string | null {
  const { publicName = null, relayDomain = null } = network.load() ?? {};
  return publicName === null || relayDomain === null ? null : `https://${publicName}.${relayDomain}`;
}

function parseOrigin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && /^https?:$/.test(url.protocol) && url.pathname === '/' && url.search === '') return url.origin;
  throw usage('--origin is http://HOST:PORT or https://HOST');
}

function usage(detail: string): ProtocolError {
  return new ProtocolError('usage', {}, { detail });
}
