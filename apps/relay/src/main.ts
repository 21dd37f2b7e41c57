#!/usr/bin/env node
/**
 * `peerkeep-relay`: carries connections to peers that nobody can connect to. stdout is data, stderr is talk.
 *
 * Exit codes: 0 done; 1 refused or failed (the line on stderr says why, and what to do); 2 used wrongly.
 */
import { Command, CommanderError } from 'commander';
import { readMetricsAddress } from '#metrics';
import { homePathOf, readHomeKey } from '#peer-home';
import { openLog, readLogLevel, VERSION } from '#process';
import { ProtocolError } from '#protocol';
import { enrol } from './commands/enrol.js';
import { run } from './commands/run.js';
import { readListenAddress, readPeersMax, readPublicAddress, readWeb } from './config.js';
import { PEERS_MAX } from './limits.js';
import { PROGRAM } from './program.js';

const HOME_OPTION = ['--home <dir>', 'home folder of this relay (PEERKEEP_HOME)'] as const;

const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

interface EnrolFlags {
  readonly key?: string;
  readonly keyFile?: string;
  readonly name?: string;
  readonly home?: string;
}

interface RunFlags {
  readonly listen: string;
  readonly public: string;
  readonly peers: string;
  readonly metrics?: string;
  readonly webListen?: string;
  readonly webCert?: string;
  readonly webKey?: string;
  readonly home?: string;
}

function program(): Command {
  const command = new Command(PROGRAM)
    .description('Carry connections to peers that nobody can connect to; they stay sealed from end to end.')
    .version(`${PROGRAM} ${VERSION}`, '--version', 'print the version')
    .showHelpAfterError(`  hint: see ${PROGRAM} --help`)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(`${PROGRAM}: ${text.replace(/^error: /, '')}`) });

  command
    .command('enrol')
    .description('make this machine a relay')
    .argument('<join-link>', 'the line peerkeep://host:port/#… that the broker printed')
    .option('--key <key>', 'enrolment key for relays; others on this machine can see it in `ps`')
    .option('--key-file <path>', 'file with the enrolment key (or PEERKEEP_ENROLMENT_KEY)')
    .option('--name <name>', 'what to call this machine: lower-case letters, digits, hyphens')
    .option(...HOME_OPTION)
    .action(async (joinLink: string, { key, keyFile, name, home }: EnrolFlags) => {
      const homePath = homePathOf(home, process.env);
      print(await enrol({ joinLink, homePath, key, keyFile, name, environment: process.env }));
    });

  command
    .command('run')
    .description('relay until SIGTERM; prints `listening on host:port` when ready')
    .requiredOption('--listen <host:port>', 'where peers and clients reach this machine; port 0 takes a free one')
    .requiredOption('--public <address:port>', 'the address that the broker tells them: an IP address')
    .option('--peers <n>', 'how many peers it takes', String(PEERS_MAX))
    .option(
      '--web-listen <host:port>',
      "where visitors' browsers come by https, to the pages of peers that let them in",
    )
    .option('--web-cert <file>', 'certificate for *.DOMAIN in PEM, with those above it')
    .option('--web-key <file>', 'its private key, a file that only you can read')
    .option('--metrics <address:port>', 'serve figures for Prometheus there, to this machine only')
    .option(...HOME_OPTION)
    .action(async (options: RunFlags) => {
      const config = {
        homePath: homePathOf(options.home, process.env),
        homeKey: await readHomeKey(process.env),
        listen: readListenAddress('--listen', options.listen),
        publicAddress: readPublicAddress(options.public),
        peersMax: readPeersMax(options.peers),
        web: await readWeb(options.webListen, options.webCert, options.webKey),
        metrics: options.metrics === undefined ? null : readMetricsAddress(options.metrics),
      };
      await run({ config, log: openLog(PROGRAM, readLogLevel(process.env, 'info')), print });
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
  return error.code === 'usage' ? 2 : 1;
}

try {
  await program().parseAsync();
} catch (error) {
  process.exitCode = explain(error);
}
