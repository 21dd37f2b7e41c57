// `peerkeep self-test`: does this machine compute what it should, and can it reach what a backup needs?
import type { Command } from 'commander';
import { runLocalSelfTest, type SelfCheckResult } from '#backup';
import { PeerHome } from '#peer-home';
import { EXIT } from '../exit-codes.js';
import { formatCounted, printable } from '../format.js';
import { type CommandContext, type CommonOptions, homePathFor, newCommand, withEngine } from './command-context.js';

interface SelfTestOptions extends CommonOptions {
  readonly roundTrip?: boolean;
}

export function selfTestCommand(context: CommandContext): Command {
  return newCommand('self-test', 'check the arithmetic of this machine, and the broker when there is a home')
    .option('--round-trip', 'also store a small object on hosts, fetch it and delete it')
    .action((options: SelfTestOptions) => selfTest(context, options));
}

async function selfTest(context: CommandContext, options: SelfTestOptions): Promise<void> {
  const { terminal, clock } = context;
  const homePath = homePathFor(context, options);
  const results: SelfCheckResult[] = [];
  const onResult = (result: SelfCheckResult): void => {
    results.push(result);
    terminal.result({ message_type: 'check', ...documentOf(result) }, () => formatResult(result));
  };
  await runLocalSelfTest(clock, onResult);
  const roundTrip = options.roundTrip === true;
  if (roundTrip || (await PeerHome.exists(homePath))) {
    await withEngine(context, options, (engine, running) => engine.selfTest({ ...running, roundTrip }, onResult));
  }
  const failed = results.filter(({ ok }) => !ok).length;
  if (failed > 0) context.setExitCode(EXIT.error);
  terminal.summary({ message_type: 'summary', checks: results.length, failed }, () =>
    failed === 0 ? `all ${results.length} checks are well` : `${formatCounted(failed, 'check')} failed`,
  );
}

function documentOf({ name, ok, detail, milliseconds }: SelfCheckResult) {
  return { name, ok, detail, seconds: milliseconds / 1000 };
}

const NAME_CHARS = 'two implementations agree'.length;

function formatResult({ name, ok, detail, milliseconds }: SelfCheckResult): string {
  return `${ok ? 'ok    ' : 'FAILED'}  ${name.padEnd(NAME_CHARS)}  ${printable(detail)} (${milliseconds} ms)`;
}
