#!/usr/bin/env node
/**
 * `peerkeep-agent`: the host. stdout is data, stderr is talk.
 *
 * Exit codes: 0 done; 1 refused or failed (the line on stderr says why, and what to do); 2 used wrongly.
 */
import 'reflect-metadata';
import { Command, CommanderError } from 'commander';
import { homePathOf } from '#peer-home';
import { openLog, readLogLevel } from '#process';
import { isRefusal, ProtocolError } from '#protocol';
import { enrol } from './commands/enrol.js';
import { run } from './commands/run.js';
import { parseSize } from './commands/size-text.js';
import { formatStatus, readStatus } from './commands/status.js';
import { readListenAddress } from './config.js';

const PROGRAM = 'peerkeep-agent';
const HOME_OPTION = ['--home <dir>', 'home folder of this peer (PEERKEEP_HOME)'] as const;

const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

function program(): Command {
  const command = new Command(PROGRAM)
    .description('Share disk with other peers, and keep their shards.')
    .showHelpAfterError(`  hint: see ${PROGRAM} --help`)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(`${PROGRAM}: ${text.replace(/^error: /, '')}`) });

  command
    .command('enrol')
    .description('make this machine a peer that shares disk; on a peer already, set the share')
    .argument('<join-link>', 'the line peerkeep://host:port/#… that the broker printed')
    .requiredOption('--share <size>', 'disk to share, for example 10GB or 10GiB')
    .option('--key <key>', 'enrolment key that the operator made')
    .option('--name <name>', 'what to call this machine: lower-case letters, digits, hyphens')
    .option(...HOME_OPTION)
    .action(async (joinLink: string, options: { share: string; key?: string; name?: string; home?: string }) => {
      const { key, name } = options;
      const homePath = homePathOf(options.home, process.env);
      print(await enrol({ joinLink, homePath, shareBytes: parseSize(options.share), key, name }));
    });

  command
    .command('run')
    .description('serve other peers until SIGTERM; prints `listening on host:port` when ready')
    .requiredOption('--listen <host:port>', 'where other peers reach this machine; port 0 takes a free one')
    .option(...HOME_OPTION)
    .action(async (options: { listen: string; home?: string }) => {
      const homePath = homePathOf(options.home, process.env);
      const config = { homePath, listen: readListenAddress(options.listen) };
      await run(config, openLog(PROGRAM, readLogLevel(process.env, 'info')), print);
    });

  command
    .command('status')
    .description('show what this host shares, holds and waits for')
    .option('--json', 'as one JSON object')
    .option(...HOME_OPTION)
    .action(async (options: { json?: boolean; home?: string }) => {
      const status = await readStatus(homePathOf(options.home, process.env), openLog(PROGRAM, 'silent'));
      print(options.json ? JSON.stringify(status) : formatStatus(status));
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
  return isRefusal(error, 'usage') ? 2 : 1;
}

try {
  await program().parseAsync();
} catch (error) {
  process.exitCode = explain(error);
}
