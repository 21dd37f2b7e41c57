// `peerkeep kit create|show|list|withdraw`: a file with which a snapshot is restored while there is no broker.
import { Command } from 'commander';
import type { RecoveryKit } from '#backup';
import { BrokerClient, NetworkRefresh } from '#broker-api';
import { PeerHome, readHomeKey } from '#peer-home';
import { writeFileDurably } from '#process';
import { type ListKitsAnswer, ProtocolError, parseTime, peerIdField } from '#protocol';
import { formatBytes, formatCount, formatLocalTime, formatPairs, formatTable, printable } from '../format.js';
import { snakeMembers } from '../snake-members.js';
import { askBroker } from './ask-broker.js';
import { type CommandContext, type CommonOptions, homePathFor, newCommand, withEngine } from './command-context.js';
import { isThere, readKitFile } from './kit-file.js';
import {
  SNAPSHOT_ARGUMENT,
  type SnapshotFilterOptions,
  snapshotFilterOf,
  withSnapshotFilter,
} from './snapshot-filter.js';

interface CreateOptions extends CommonOptions, SnapshotFilterOptions {
  readonly snapshot: string;
  readonly out?: string;
}

export function kitCommand(context: CommandContext): Command {
  return new Command('kit')
    .description('make files with which a snapshot is restored while there is no broker')
    .addCommand(
      withSnapshotFilter(newCommand('create', 'make a recovery kit of a snapshot; keep it away from this machine'))
        .option('--snapshot <id>', SNAPSHOT_ARGUMENT, 'latest')
        .option('--out <file>', 'where to write it; peerkeep-<end of the snapshot id>.kit without it')
        .action((options: CreateOptions) => create(context, options)),
    )
    .addCommand(
      newCommand('show', 'what a recovery kit holds; on a new machine it reads the recovery phrase on stdin')
        .argument('<file>', 'the recovery kit')
        .action((path: string, options: CommonOptions) => show(context, path, options)),
    )
    .addCommand(
      newCommand('list', 'the recovery kits of this account that have not ended').action((options: CommonOptions) =>
        list(context, options),
      ),
    )
    .addCommand(
      newCommand('withdraw', 'let hosts refuse a recovery kit from now on, for one that was lost')
        .argument('<kit-id>', 'as `kit list` and `kit show` print it')
        .action((kitId: string, options: CommonOptions) => withdraw(context, kitId, options)),
    );
}

async function create(context: CommandContext, options: CreateOptions): Promise<void> {
  const { clock, log, terminal, environment } = context;
  const homePath = homePathFor(context, options);
  const home = await PeerHome.open(homePath, await readHomeKey(environment));
  const client = new BrokerClient({ home, clock, log });
  try {
    if (options.out !== undefined) await refuseExisting(options.out);
    // By the keys of its network the kit finds hosts on the local network that are not where they were.
    await new NetworkRefresh({ home, broker: client, clock }).run();
    const { kit, file } = await withEngine(context, options, (engine, running) =>
      engine.makeKit({
        ...running,
        snapshot: options.snapshot,
        filter: snapshotFilterOf(options),
        order: { home, broker: client.kits },
      }),
    );
    const path = options.out ?? `peerkeep-${kit.snapshot.objectId.slice(-12)}.kit`;
    await refuseExisting(path);
    await writeFileDurably(path, file, 0o600);
    const told = { message_type: 'kit', path, size: file.length, ...kitDocument(kit) };
    terminal.result(told, () => formatKit(kit, `${printable(path)}, ${formatBytes(file.length)}`));
    terminal.say('with this file and the recovery phrase, and with no broker, a new machine restores this snapshot:');
    terminal.say(`peerkeep restore latest --kit ${path} --target DIR`);
    terminal.say(
      'it does not bring back what a prune deletes, and hosts that are reached through relays alone are not in reach',
    );
  } finally {
    await client.close();
  }
}

/** A kit takes the place of no other file. */
async function refuseExisting(path: string): Promise<void> {
  if (await isThere(path)) throw new ProtocolError('usage', { path }, { detail: `${path} exists: give another --out` });
}

async function show(context: CommandContext, path: string, options: CommonOptions): Promise<void> {
  const homePath = homePathFor(context, options);
  const { kit } = await readKitFile(context, { path, homePath });
  context.terminal.result({ message_type: 'kit', path, ...kitDocument(kit) }, () => formatKit(kit, printable(path)));
  context.terminal.say(
    'on a local network it finds hosts that have moved for a week or two after it was made (one to two epochs of LAN keys); later at the addresses that they had',
  );
}

async function list(context: CommandContext, options: CommonOptions): Promise<void> {
  const listed = await askBroker(context, options, (broker) => broker.kits.list({ signal: context.signal }));
  context.terminal.result(snakeMembers(listed), () => formatKits(listed));
}

async function withdraw(context: CommandContext, wanted: string, options: CommonOptions): Promise<void> {
  const kitId = peerIdField.safeParse(wanted);
  if (!kitId.success) throw new ProtocolError('kit_unknown', { kitId: wanted });
  await askBroker(context, options, (broker) => broker.kits.withdraw(kitId.data, { signal: context.signal }));
  context.terminal.result(
    { message_type: 'kit', kit_id: kitId.data, withdrawn: true },
    () => `withdrawn: hosts refuse ${kitId.data} as soon as they hear of it`,
  );
}

function kitDocument({ kitId, madeAt, expiresAt, snapshot, broker, hosts, objects, tokens }: RecoveryKit) {
  return {
    kit_id: kitId,
    made_at: madeAt,
    expires_at: expiresAt,
    snapshot_id: snapshot.objectId,
    snapshot_time: snapshot.time,
    hostname: snapshot.hostname,
    paths: snapshot.paths,
    broker: `${broker.host}:${broker.port}`,
    hosts: hosts.length,
    objects: objects.length,
    tokens: tokens.length,
    bytes: bytesOf(objects),
  };
}

function formatKit(kit: RecoveryKit, file: string): string {
  const { kitId, snapshot, broker, hosts, objects } = kit;
  return formatPairs([
    ['file', file],
    ['kit', kitId],
    ['made', localTime(kit.madeAt)],
    ['good until', localTime(kit.expiresAt)],
    ['snapshot', `${snapshot.objectId} of ${printable(snapshot.hostname)}, ${localTime(snapshot.time)}`],
    ['paths', snapshot.paths.map(printable).join(', ')],
    [
      'objects',
      `${formatCount(objects.length)}, ${formatBytes(bytesOf(objects))}, at ${formatCount(hosts.length)} hosts`,
    ],
    ['broker', `${printable(broker.host)}:${broker.port}`],
  ]);
}

function formatKits({ kits }: ListKitsAnswer): string {
  const columns = [{ title: 'Kit' }, { title: 'Made' }, { title: 'Good until' }, { title: 'By' }, { title: 'State' }];
  const rows = kits.map(({ kitId, madeAt, expiresAt, madeBy, withdrawnAt }) => [
    kitId,
    localTime(madeAt),
    localTime(expiresAt),
    madeBy,
    withdrawnAt === null ? 'good' : 'withdrawn',
  ]);
  return formatTable(columns, rows);
}

function bytesOf(objects: RecoveryKit['objects']): number {
  return objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

function localTime(text: string): string {
  return formatLocalTime(parseTime(text) ?? Number.NaN);
}
