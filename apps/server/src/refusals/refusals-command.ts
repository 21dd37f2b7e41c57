// `peerkeep-server refusals`: what peers were denied lately, and by whom; beside the running broker.
import { Command } from 'commander';
import { openReadOnly } from '#database';
import { ProtocolError } from '#protocol';
import { existingDataDir } from '../config/data-dir.js';
import { parseTimeSpan } from '../config/parse-time-span.js';
import { listRefusals, refusalLines } from './list-refusals.js';

interface RefusalsFlags {
  readonly dataDir?: string;
  readonly since: number;
  readonly json?: boolean;
}

export function refusalsCommand(environment: NodeJS.ProcessEnv): Command {
  return new Command('refusals')
    .description('List what was refused, by whom and how often; works while the broker runs (a minute behind it).')
    .option('--data-dir <dir>', 'data directory of the broker (or PEERKEEP_DATA_DIR)')
    .option('--since <time>', 'how far back: 30m, 24h, 7d', parseTimeSpan, parseTimeSpan('24h'))
    .option('--json', 'print a JSON array')
    .action((flags: RefusalsFlags) => list(flags, environment));
}

async function list(flags: RefusalsFlags, environment: NodeJS.ProcessEnv): Promise<void> {
  const path = flags.dataDir ?? environment.PEERKEEP_DATA_DIR;
  if (path === undefined)
    throw new ProtocolError('usage', {}, { detail: '--data-dir (or PEERKEEP_DATA_DIR) is missing' });
  const database = await openReadOnly({ file: (await existingDataDir(path)).database, entities: [] });
  try {
    const refusals = await listRefusals(database.reads, Date.now() - flags.since);
    process.stdout.write(flags.json === true ? `${JSON.stringify(refusals)}\n` : refusalLines(refusals));
  } finally {
    await database.close();
  }
}
