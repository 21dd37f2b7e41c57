// `peerkeep-server admin-key create|list|revoke` and `admin-log verify`: on the broker's machine, beside the running broker.
import { Command, Option } from 'commander';
import { openReadOnly } from '#database';
import { ProtocolError } from '#protocol';
import { existingDataDir } from '../../config/data-dir.js';
import { parseTimeSpan } from '../../config/parse-time-span.js';
import { BrokerDatabase } from '../../platform/broker-database.js';
import { ADMIN_KEY_LIFE_MS } from '../limits.js';
import { checkLog } from '../log/check-log.js';
import { listAdminKeys } from './admin-keys.js';
import { ADMIN_ROLES, type AdminRole } from './admin-role.js';
import { listedAdminKeyFrom } from './listed-admin-key.js';
import { makeAdminKey, withdrawAdminKey } from './make-admin-key.js';

interface AdminFlags {
  readonly dataDir?: string;
  readonly json?: boolean;
}

interface CreateFlags extends AdminFlags {
  readonly role: AdminRole;
  readonly name: string;
  readonly expires: number;
  readonly reason: string;
}

interface RevokeFlags extends AdminFlags {
  readonly reason: string;
}

const DAY_MS = 86_400_000;

export function adminKeyCommand(environment: NodeJS.ProcessEnv): Command {
  const command = new Command('admin-key').description('Keys of the admin interface: create, list, revoke.');
  withDataDir(command.command('create'))
    .description('Make a key and print it once; works while the broker runs.')
    .addOption(new Option('--role <role>', 'what it may do').choices(ADMIN_ROLES).makeOptionMandatory())
    .option('--name <text>', 'whose it is, or what for', 'admin')
    .option(
      '--expires <time>',
      `how long it is valid (default: ${ADMIN_KEY_LIFE_MS / DAY_MS}d)`,
      parseTimeSpan,
      ADMIN_KEY_LIFE_MS,
    )
    .option('--reason <text>', 'what the log says', '')
    .option('--json', 'print a JSON object')
    .action((flags: CreateFlags) => withDatabase(flags, environment, (database) => create(database, flags)));
  withDataDir(command.command('list'))
    .description('List all keys, also those that open nothing any more.')
    .option('--json', 'print one JSON object a line')
    .action((flags: AdminFlags) => withDatabase(flags, environment, (database) => list(database, flags)));
  withDataDir(command.command('revoke'))
    .description('Make a key worthless, at once, also for the broker that runs.')
    .argument('<key-id>', 'as `admin-key list` shows it')
    .option('--reason <text>', 'what the log says', '')
    .option('--json', 'print a JSON object')
    .action((id: string, flags: RevokeFlags) =>
      withDatabase(flags, environment, async (database) => {
        const key = listedAdminKeyFrom(await withdrawAdminKey(database, { id, reason: flags.reason }, Date.now()));
        process.stdout.write(flags.json === true ? `${JSON.stringify(key)}\n` : `${id}  revoked\n`);
      }),
    );
  return command;
}

export function adminLogCommand(environment: NodeJS.ProcessEnv): Command {
  const command = new Command('admin-log').description('The log of what was changed through the admin interface.');
  withDataDir(command.command('verify'))
    .description('Go through the whole log; prints how many entries it has and the hash of the last one.')
    .option('--head <hash>', 'fail unless the log ends with this hash, noted before, or has an entry of it')
    .action((flags: AdminFlags & { readonly head?: string }) => verify(flags, environment));
  return command;
}

async function create(database: BrokerDatabase, { role, name, expires, reason, json }: CreateFlags): Promise<void> {
  const { key, ...created } = await makeAdminKey(database, { role, name, lifeMs: expires, reason }, Date.now());
  process.stdout.write(json === true ? `${JSON.stringify({ key, ...listedAdminKeyFrom(created) })}\n` : `${key}\n`);
}

async function list(database: BrokerDatabase, { json }: AdminFlags): Promise<void> {
  for (const key of (await listAdminKeys(database.reads)).map(listedAdminKeyFrom)) {
    const { keyId, role, name, revokedAt, expiresAt } = key;
    const end = revokedAt === null ? `expires ${expiresAt}` : `revoked ${revokedAt}`;
    const line = [keyId, role.padEnd('operator'.length), end, name].join('  ');
    process.stdout.write(json === true ? `${JSON.stringify(key)}\n` : `${line}\n`);
  }
}

async function verify(flags: AdminFlags & { readonly head?: string }, environment: NodeJS.ProcessEnv): Promise<void> {
  const database = await openReadOnly({ file: await databaseFile(flags, environment), entities: [] });
  try {
    const { entries, head, faults } = await checkLog(database.reads);
    if (faults.length > 0) throw new ProtocolError('admin_log_broken', {}, { detail: faults.join('; ') });
    if (flags.head !== undefined) {
      const known = await database.reads.query<unknown[]>('SELECT 1 FROM admin_log WHERE hash = $1', [flags.head]);
      const detail = 'the log has no entry of this hash: it was written anew';
      if (known.length === 0) throw new ProtocolError('admin_log_broken', {}, { detail });
    }
    process.stdout.write(`${JSON.stringify({ entries, head })}\n`);
  } finally {
    await database.close();
  }
}

async function withDatabase(
  flags: AdminFlags,
  environment: NodeJS.ProcessEnv,
  use: (database: BrokerDatabase) => Promise<void>,
): Promise<void> {
  const database = await BrokerDatabase.open(await databaseFile(flags, environment));
  try {
    await use(database);
  } finally {
    await database.close();
  }
}

async function databaseFile(flags: AdminFlags, environment: NodeJS.ProcessEnv): Promise<string> {
  const path = flags.dataDir ?? environment.PEERKEEP_DATA_DIR;
  if (path !== undefined) return (await existingDataDir(path)).database;
  throw new ProtocolError('usage', {}, { detail: '--data-dir (or PEERKEEP_DATA_DIR) is missing' });
}

function withDataDir(command: Command): Command {
  return command.option('--data-dir <dir>', 'data directory of the broker (or PEERKEEP_DATA_DIR)');
}
