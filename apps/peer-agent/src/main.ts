#!/usr/bin/env node
/**
 * `peerkeep-agent`: the host. stdout is data, stderr is talk.
 *
 * Exit codes: 0 done; 1 refused or failed (the line on stderr says why, and what to do); 2 used wrongly; 5 nobody approved
 * the enrolment, or a person refused it; 130 enrolment stopped by Ctrl-C or SIGTERM.
 */
import 'reflect-metadata';
import { setFlagsFromString } from 'node:v8';
import { Command, CommanderError } from 'commander';
import { readMetricsAddress } from '#metrics';
import { homePathOf, readHomeKey } from '#peer-home';
import { openLog, readLogLevel, SystemClock, VERSION } from '#process';
import { type ErrorCode, ProtocolError } from '#protocol';
import { acceptRestore } from './commands/accept-restore.js';
import { enrol } from './commands/enrol.js';
import { keepFilter } from './commands/keep-filter.js';
import { leave } from './commands/leave.js';
import { run } from './commands/run.js';
import { parseSize } from './commands/size-text.js';
import { formatStatus, readStatus } from './commands/status.js';
import { signInLink } from './commands/web.js';
import { readListenAddress, readRegion, readRelayMode, readRepairs, readWeb, relayModeFor } from './config.js';
import { readLan } from './lan/lan-settings.js';

// Bytes of shards lie outside the heap and count as its growth: with V8's own measure the heap is collected for every few
// shards that pass.
setFlagsFromString('--heap-growing-percent=300');

const PROGRAM = 'peerkeep-agent';
const HOME_OPTION = ['--home <dir>', 'home folder of this peer (PEERKEEP_HOME)'] as const;

const EXIT_OF: { readonly interrupted: 130 } & Partial<Record<ErrorCode, number>> = {
  usage: 2,
  enrolment_refused: 5,
  enrolment_expired: 5,
  interrupted: 130,
};

const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

const say = (text: string): void => {
  process.stderr.write(`${PROGRAM}: ${text}\n`);
};

interface EnrolFlags {
  readonly share: string;
  readonly key?: string;
  readonly keyFile?: string;
  readonly name?: string;
  readonly home?: string;
}

interface RunFlags {
  readonly listen: string;
  readonly scrub: string;
  readonly metrics?: string;
  readonly region?: string;
  readonly repairs: boolean;
  readonly repairRate: string;
  readonly relay: string;
  readonly lan?: string;
  readonly web?: string;
  readonly webVisits?: string | boolean;
  readonly backups?: boolean;
  readonly home?: string;
}

/** Aborted by the first Ctrl-C or SIGTERM; a second one ends at once. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  const interrupt = (): void => {
    if (stop.signal.aborted) process.exit(EXIT_OF.interrupted);
    stop.abort();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  return stop.signal;
}

function program(): Command {
  const command = new Command(PROGRAM)
    .description('Share disk with other peers, and keep their shards.')
    .version(`${PROGRAM} ${VERSION}`, '--version', 'print the version')
    .showHelpAfterError(`  hint: see ${PROGRAM} --help`)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(`${PROGRAM}: ${text.replace(/^error: /, '')}`) });

  command
    .command('enrol')
    .description('make this machine a peer that shares disk; on a peer already, set the share')
    .argument('<join-link>', 'the line peerkeep://host:port/#… that the broker printed')
    .requiredOption('--share <size>', 'disk to share, for example 10GB or 10GiB')
    .option('--key <key>', 'enrolment key that the operator made; others on this machine can see it in `ps`')
    .option(
      '--key-file <path>',
      'file with the enrolment key (or PEERKEEP_ENROLMENT_KEY); without a key, a person approves',
    )
    .option('--name <name>', 'what to call this machine: lower-case letters, digits, hyphens')
    .option(...HOME_OPTION)
    .action(async (joinLink: string, options: EnrolFlags) => {
      const { key, keyFile, name } = options;
      const homePath = homePathOf(options.home, process.env);
      const asked = { joinLink, homePath, shareBytes: parseSize(options.share), key, keyFile, name };
      const clock = new SystemClock();
      print(await enrol({ ...asked, environment: process.env, clock, say, signal: stopSignal() }));
    });

  command
    .command('run')
    .description('serve other peers until SIGTERM; prints `listening on host:port` when ready')
    .requiredOption('--listen <host:port>', 'where other peers reach this machine; port 0 takes a free one')
    .option('--metrics <address:port>', 'serve figures for Prometheus there, to this machine only')
    .option('--scrub <rate>', 'bytes a second at which this host reads what it holds to find rot; 0 for never', '4MiB')
    .option('--region <name>', 'where this machine stands, for owners who wish it: eu, de-berlin')
    .option('--no-repairs', 'do not rebuild lost shards of others on this machine')
    .option('--repair-rate <rate>', 'bytes a second, in each direction, that repairs may move; 0 for no limit', '4MiB')
    .option(
      '--relay <mode>',
      'reach this machine through a relay: auto (when nothing else works), always, never',
      'auto',
    )
    .option(
      '--lan <address[:port]>',
      'serve neighbours on the local network there, by default where --listen is, port 6515; off for not at all',
    )
    .option('--web <address:port>', 'pages for the owner of this machine there, on this machine only')
    .option(
      '--web-visits [what]',
      'let browsers come through a relay: shares (what `peerkeep share` made links to), owner (your pages too)',
    )
    .option('--backups', 'run the backups that client/config.json of this home names, at their times')
    .option(...HOME_OPTION)
    .action(async (options: RunFlags) => {
      const homePath = homePathOf(options.home, process.env);
      const listen = readListenAddress(options.listen);
      const scrubBytesPerSecond = parseSize(options.scrub);
      const region = options.region === undefined ? {} : { region: readRegion(options.region) };
      const repairs = options.repairs ? readRepairs(parseSize(options.repairRate)) : null;
      const web = readWeb(options.web, options.webVisits);
      const relay = relayModeFor(readRelayMode(options.relay), web);
      const lan = readLan(options.lan, listen);
      const homeKey = await readHomeKey(process.env);
      const metrics = options.metrics === undefined ? null : readMetricsAddress(options.metrics);
      const config = { homePath, listen, metrics, scrubBytesPerSecond, repairs, relay, lan, web, ...region, homeKey };
      const log = openLog(PROGRAM, readLogLevel(process.env, 'info'));
      await run({ config, backups: options.backups === true, environment: process.env, log, print });
    });

  command
    .command('status')
    .description('show what this host shares, holds and waits for')
    .option('--json', 'as one JSON object')
    .option(...HOME_OPTION)
    .action(async (options: { json?: boolean; home?: string }) => {
      const status = await readStatus(
        homePathOf(options.home, process.env),
        openLog(PROGRAM, 'silent'),
        await readHomeKey(process.env),
      );
      print(options.json ? JSON.stringify(status) : formatStatus(status));
    });

  const web = command.command('web').description('the pages that `peerkeep-agent run --web` serves');
  web
    .command('sign-in')
    .description('print a link that signs you in, once, within ten minutes')
    .option('--visit', 'through a relay, where `--web-visits owner` lets you in')
    .option(...HOME_OPTION)
    .action(async (options: { visit?: boolean; home?: string }) => {
      const home = { homePath: homePathOf(options.home, process.env), homeKey: await readHomeKey(process.env) };
      print(await signInLink({ ...home, isVisit: options.visit === true, clock: new SystemClock() }));
    });

  command
    .command('leave')
    .description('hold nothing for others any more: no new shards come, and those that are here are moved away')
    .option('--undo', 'stay after all')
    .option('--reason <text>', 'what to remember about it', '')
    .option(...HOME_OPTION)
    .action(async (options: { undo?: boolean; reason: string; home?: string }) => {
      const home = { homePath: homePathOf(options.home, process.env), homeKey: await readHomeKey(process.env) };
      const asked = { ...home, reason: options.reason, undo: options.undo === true };
      print(await leave({ ...asked, clock: new SystemClock(), log: openLog(PROGRAM, 'silent') }));
    });

  command
    .command('keep-filter')
    .description('show what this host put into its trash because the broker does not know it')
    .option('--accept', 'let go what was held back because it is much at once; the agent must be stopped')
    .option(...HOME_OPTION)
    .action(async (options: { accept?: boolean; home?: string }) => {
      const home = { homePath: homePathOf(options.home, process.env), homeKey: await readHomeKey(process.env) };
      print(await keepFilter({ ...home, accept: options.accept === true }));
    });

  command
    .command('accept-restore')
    .description('go on with a home that is an older copy; tokens from before are refused, other copies shut out')
    .option(...HOME_OPTION)
    .action(async (options: { home?: string }) => {
      const home = { homePath: homePathOf(options.home, process.env), homeKey: await readHomeKey(process.env) };
      print(await acceptRestore({ ...home, clock: new SystemClock(), log: openLog(PROGRAM, 'silent') }));
    });

  return command;
}

function explain(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (!(error instanceof ProtocolError)) {
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${PROGRAM}: ${message}\n  hint: set PEERKEEP_LOG_LEVEL=debug and try again\n`);
    return 1;
  }
  process.stderr.write(`${PROGRAM}: ${error.message}\n  hint: ${error.hint}\n`);
  return EXIT_OF[error.code] ?? 1;
}

try {
  await program().parseAsync();
} catch (error) {
  process.exitCode = explain(error);
}
