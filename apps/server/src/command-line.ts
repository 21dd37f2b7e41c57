// The `peerkeep-server` command: `start`, `enrolment-key create`, and the commands of the features. stdout is data, stderr
// is talk.
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { openLog, readLogLevel, SystemClock, VERSION } from '#process';
import { type AccountId, formatTime, isRefusal, isUuidV7, ProtocolError } from '#protocol';
import { adminKeyCommand, adminLogCommand } from './admin/access/admin-commands.js';
import { readAlertWebhook } from './alerts/alert-webhook.js';
import { readConfig, type StartFlags } from './config/config.js';
import { dataDirAt, existingDataDir } from './config/data-dir.js';
import { parseTimeSpan } from './config/parse-time-span.js';
import { createEnrolmentKey } from './enrolment/enrolment-keys.js';
import { findKeyFile } from './keys/key-files.js';
import { rotateKekCommand } from './keys/rotate-kek-command.js';
import { ledgerCommand } from './ledger/ledger-command.js';
import { peerCommand } from './peers/peer-commands.js';
import { BrokerDatabase } from './platform/broker-database.js';
import { refusalsCommand } from './refusals/refusals-command.js';
import { startBroker } from './start-broker.js';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const EXIT_CODES = `
Exit codes:
  0  done, or stopped by SIGTERM or SIGINT
  1  refused or failed; the line on stderr says why
  2  the command was used wrongly`;

/** Run the command; resolves with its exit code. */
export async function runCommandLine(argv: readonly string[], environment: NodeJS.ProcessEnv): Promise<number> {
  try {
    await commandLine(environment).parseAsync([...argv], { from: 'user' });
    return 0;
  } catch (error) {
    return report(error);
  }
}

function commandLine(environment: NodeJS.ProcessEnv): Command {
  const program = new Command('peerkeep-server')
    .description('The Peerkeep broker: knows every peer, decides where shards go, holds no data.')
    .addHelpText('after', EXIT_CODES)
    .version(`peerkeep-server ${VERSION}`, '--version', 'print the version')
    .exitOverride()
    .configureOutput({ outputError: () => undefined });
  program
    .command('start')
    .description('Run the broker; prints its join link when it is ready.')
    .option('--data-dir <dir>', 'where everything is kept (or PEERKEEP_DATA_DIR)')
    .option('--listen <host:port>', 'where to listen; port 0 lets the system choose (or PEERKEEP_LISTEN)')
    .option(
      '--admin-listen <host:port>',
      'where the admin interface listens; 127.0.0.1:0 when left out (or PEERKEEP_ADMIN_LISTEN)',
    )
    .option('--dns <host:port>', 'answer DNS queries for the names of peers there, by UDP (or PEERKEEP_DNS_LISTEN)')
    .option('--trust-domain <name>', 'name of the trust domain, fixed at the first start (or PEERKEEP_TRUST_DOMAIN)')
    .option(
      '--key-file <file>',
      'the key-encryption key, where it is not beside the database (or PEERKEEP_KEY_ENCRYPTION_KEY_FILE)',
    )
    .option('--alert-webhook <url>', 'post alerts there as JSON (or PEERKEEP_ALERT_WEBHOOK)')
    .option('--alert-secret-file <file>', 'what signs them (or PEERKEEP_ALERT_SECRET_FILE)')
    .option('--test-mode', 'for tests: tell the answers of the CAPTCHA; on loopback only, behind no proxy')
    .action((flags: StartFlags) => start(flags, environment));
  const features = [
    peerCommand(environment),
    rotateKekCommand(environment),
    refusalsCommand(environment),
    ledgerCommand(environment),
    adminKeyCommand(environment),
    adminLogCommand(environment),
  ];
  for (const command of features) {
    program.addCommand(command);
    for (const one of [command, ...command.commands]) one.copyInheritedSettings(program);
  }
  program
    .command('enrolment-key')
    .description('Keys that let machines enrol.')
    .command('create')
    .description('Make an enrolment key and print it once; works while the broker runs.')
    .option('--data-dir <dir>', 'data directory of the broker (or PEERKEEP_DATA_DIR)')
    .option('--uses <n>', 'how many machines it lets in', parseCount, 1)
    .option('--expires <time>', 'how long it is valid: 30m, 24h, 7d', parseTimeSpan, parseTimeSpan('24h'))
    .option(
      '--account <id>',
      'each use adds a machine to this account; without it each use registers a new one',
      parseAccount,
    )
    .option('--relay', 'it lets relays in, which carry for peers that nobody can connect to')
    .option('--json', 'print a JSON object')
    .action((flags: EnrolmentKeyFlags) => createKey(flags, environment));
  return program;
}

async function start(flags: StartFlags, environment: NodeJS.ProcessEnv): Promise<void> {
  const settings = readConfig(flags, environment);
  const config = {
    ...settings,
    keyFile: await findKeyFile(dataDirAt(settings.dataDir), flags, environment),
    alertWebhook: await readAlertWebhook(flags, environment),
  };
  const log = openLog('peerkeep-server', readLogLevel(environment, 'info'));
  const stopAsked = new Promise<string>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  const broker = await startBroker(config, { clock: new SystemClock(), log });
  process.stdout.write(`join link: ${broker.joinLink}\n`);
  log.info({ event: 'broker_stopping', signal: await stopAsked });
  await broker.stop();
}

interface EnrolmentKeyFlags {
  readonly dataDir?: string;
  readonly uses: number;
  readonly expires: number;
  readonly account?: AccountId;
  readonly relay?: boolean;
  readonly json?: boolean;
}

async function createKey(flags: EnrolmentKeyFlags, environment: NodeJS.ProcessEnv): Promise<void> {
  const path = flags.dataDir ?? environment.PEERKEEP_DATA_DIR;
  if (path === undefined)
    throw new ProtocolError('usage', {}, { detail: '--data-dir (or PEERKEEP_DATA_DIR) is missing' });
  const database = await BrokerDatabase.open((await existingDataDir(path)).database);
  try {
    const purpose = flags.relay === true ? 'relay' : 'machine';
    const options = { uses: flags.uses, lifeMs: flags.expires, accountId: flags.account ?? null, purpose } as const;
    const { key, uses, expiresAtMs, accountId } = await createEnrolmentKey(database, options, Date.now());
    const document = { key, uses, expiresAt: formatTime(expiresAtMs), accountId, purpose };
    process.stdout.write(flags.json === true ? `${JSON.stringify(document)}\n` : `${key}\n`);
  } finally {
    await database.close();
  }
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('not a count');
  return Number(text);
}

function parseAccount(text: string): AccountId {
  if (!isUuidV7(text)) throw new InvalidArgumentError('not an account id');
  return text as AccountId;
}

/** One line that says what happened, one that says what to do; the exit code. */
function report(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    // Without a command, commander has printed the help already.
    if (error.code === 'commander.help') return EXIT_USAGE;
    say(error.message.replace(/^error: /, ''), 'See peerkeep-server --help.');
    return EXIT_USAGE;
  }
  if (isRefusal(error)) {
    say(error.message, error.hint);
    return error.code === 'usage' ? EXIT_USAGE : EXIT_FAILED;
  }
  const { message, code } = error as NodeJS.ErrnoException;
  say(message, hintFor(code));
  return EXIT_FAILED;
}

function hintFor(code: string | undefined): string {
  if (code === 'EADDRINUSE') return 'Another program listens there; give another port with --listen.';
  if (code === 'EACCES' || code === 'EPERM') return 'Check who owns the data directory and which port is asked for.';
  return 'Run with PEERKEEP_LOG_LEVEL=debug to see more.';
}

function say(message: string, hint: string): void {
  const line = message.trim().split('\n')[0] ?? '';
  process.stderr.write(`peerkeep-server: ${line.charAt(0).toLowerCase()}${line.slice(1)}\n${hint}\n`);
}
