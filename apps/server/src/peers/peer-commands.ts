// `peerkeep-server peer ls|suspend|resume|leave|revoke|history`: what the operator does with peers, beside the running broker, which
// notices within a second.
import { Command } from 'commander';
import { MoreThan } from 'typeorm';
import {
  type AccountId,
  formatTime,
  isUuidV7,
  PEERS_PER_PAGE_MAX,
  type PeerId,
  ProtocolError,
  reasonField,
} from '#protocol';
import { existingDataDir } from '../config/data-dir.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { changePeerState } from './change-peer-state.js';
import type { PeerAction } from './decide-peer-state.js';
import { listedPeerFrom } from './list-peers.js';
import { PeerEntity } from './peer.entity.js';
import { findStateChanges } from './peer-history.js';

interface PeerFlags {
  readonly dataDir?: string;
  readonly reason?: string;
  readonly account?: string;
  readonly json?: boolean;
}

const ACTIONS: readonly (readonly [PeerAction, string])[] = [
  ['suspend', 'Refuse a peer until it is resumed; it keeps its keys.'],
  ['resume', 'Let a peer take part again that was suspended, leaves or has left.'],
  ['leave', 'Give a host no new shards, and have those it holds moved away.'],
  ['revoke', 'Shut a peer out for good, and destroy its transaction keys.'],
];

export function peerCommand(environment: NodeJS.ProcessEnv): Command {
  const command = new Command('peer').description('Enrolled machines: list, suspend, resume, send away, revoke.');
  withDataDir(command.command('ls'))
    .description('List all peers; works while the broker runs.')
    .option('--account <id>', 'only those of this account')
    .option('--json', 'print one JSON object a line')
    .action((flags: PeerFlags) => withDatabase(flags, environment, (database) => list(database, flags)));
  for (const [action, description] of ACTIONS) {
    withDataDir(command.command(action))
      .description(`${description} Works while the broker runs.`)
      .argument('<peer-id>', 'as `peer ls` shows it')
      .option('--reason <text>', 'what the owner is told', '')
      .option('--json', 'print a JSON object')
      .action((peerId: string, flags: PeerFlags) =>
        withDatabase(flags, environment, (database) => change(database, action, peerId, flags)),
      );
  }
  withDataDir(command.command('history'))
    .description('Every change of the state of a peer, the newest first; works while the broker runs.')
    .argument('<peer-id>', 'as `peer ls` shows it')
    .option('--json', 'print one JSON object a line')
    .action((peerId: string, flags: PeerFlags) =>
      withDatabase(flags, environment, (database) => tellHistory(database, peerId, flags)),
    );
  return command;
}

async function list(database: BrokerDatabase, { account, json }: PeerFlags): Promise<void> {
  if (account !== undefined && !isUuidV7(account)) throw usage('--account is not an account id');
  let after: PeerId | null = null;
  do {
    const page: PeerEntity[] = await database.reads.find(PeerEntity, {
      where: {
        ...(account === undefined ? {} : { accountId: account as AccountId }),
        ...(after === null ? {} : { id: MoreThan(after) }),
      },
      order: { id: 'ASC' },
      take: PEERS_PER_PAGE_MAX,
    });
    for (const row of page) print(row, json);
    after = page.at(-1)?.id ?? null;
  } while (after !== null);
}

async function change(database: BrokerDatabase, action: PeerAction, id: string, flags: PeerFlags): Promise<void> {
  const { reason = '', json } = flags;
  if (!isUuidV7(id)) throw new ProtocolError('peer_unknown');
  if (!reasonField.safeParse(reason).success) throw usage('--reason is one line of at most 200 characters');
  const peerId = id as PeerId;
  const row = await database.write((db) =>
    changePeerState(db, { peerId, action, by: 'operator', reason, ofAccount: null, atMs: Date.now() }),
  );
  print(row, json);
}

async function tellHistory(database: BrokerDatabase, id: string, { json }: PeerFlags): Promise<void> {
  if (!isUuidV7(id)) throw new ProtocolError('peer_unknown');
  for (const { from, to, by, code, reason, atMs } of await findStateChanges(database.reads, id as PeerId)) {
    const at = formatTime(atMs);
    const line = [at, `${from} -> ${to}`, by, code, reason].join('  ').trimEnd();
    process.stdout.write(`${json === true ? JSON.stringify({ at, from, to, by, code, reason }) : line}\n`);
  }
}

function print(row: PeerEntity, json: boolean | undefined): void {
  const { accountId, certificateExpiresAtMs, stateCode, stateReason } = row;
  const listed = { ...listedPeerFrom(row), accountId, certificateExpiresAt: formatTime(certificateExpiresAtMs) };
  const seen = listed.seenAt === null ? 'never seen' : `seen ${listed.seenAt}`;
  const line = [
    row.id,
    row.state.padEnd('suspended'.length),
    accountId,
    seen,
    row.name,
    stateCode ?? '',
    stateReason ?? '',
  ];
  process.stdout.write(json === true ? `${JSON.stringify(listed)}\n` : `${line.join('  ').trimEnd()}\n`);
}

async function withDatabase(
  flags: PeerFlags,
  environment: NodeJS.ProcessEnv,
  use: (database: BrokerDatabase) => Promise<void>,
): Promise<void> {
  const path = flags.dataDir ?? environment.PEERKEEP_DATA_DIR;
  if (path === undefined) throw usage('--data-dir (or PEERKEEP_DATA_DIR) is missing');
  const database = await BrokerDatabase.open((await existingDataDir(path)).database);
  try {
    await use(database);
  } finally {
    await database.close();
  }
}

function withDataDir(command: Command): Command {
  return command.option('--data-dir <dir>', 'data directory of the broker (or PEERKEEP_DATA_DIR)');
}

function usage(detail: string): ProtocolError {
  return new ProtocolError('usage', {}, { detail });
}
