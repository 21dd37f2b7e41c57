// `peerkeep-server ledger verify`: adds the ledger up, beside the running broker.
import { Command } from 'commander';
import { openSnapshot } from '#database';
import { ProtocolError } from '#protocol';
import { existingDataDir } from '../config/data-dir.js';
import { checkLedger } from './check-ledger.js';
import { LedgerArchive } from './ledger-archive.js';
import { verifyLedger } from './verify-ledger.js';

interface VerifyFlags {
  readonly dataDir?: string;
  readonly archive?: boolean;
  readonly json?: boolean;
}

export function ledgerCommand(environment: NodeJS.ProcessEnv): Command {
  const command = new Command('ledger').description('The books of credit.');
  command
    .command('verify')
    .description('Add the ledger up and print its faults; works while the broker runs. Exit code 1 when there are any.')
    .option('--data-dir <dir>', 'data directory of the broker (or PEERKEEP_DATA_DIR)')
    .option('--archive', 'compute everything again from the first entry on, with all archived files')
    .option('--json', 'print a JSON object')
    .action((flags: VerifyFlags) => verify(flags, environment));
  return command;
}

async function verify(flags: VerifyFlags, environment: NodeJS.ProcessEnv): Promise<void> {
  const path = flags.dataDir ?? environment.PEERKEEP_DATA_DIR;
  if (path === undefined)
    throw new ProtocolError('usage', {}, { detail: '--data-dir (or PEERKEEP_DATA_DIR) is missing' });
  const dataDir = await existingDataDir(path);
  const snapshot = await openSnapshot({ file: dataDir.database, entities: [] });
  try {
    const faults = await checkLedger(snapshot.reads);
    const whole = flags.archive === true ? await verifyLedger(snapshot.reads, new LedgerArchive(dataDir.ledger)) : null;
    const all = [...new Set([...faults, ...(whole?.faults ?? [])])];
    const { archivedEntries = null, entries = null } = whole ?? {};
    if (flags.json === true) {
      process.stdout.write(`${JSON.stringify({ sound: all.length === 0, faults: all, entries, archivedEntries })}\n`);
    } else {
      for (const fault of all) process.stdout.write(`${fault}\n`);
      if (whole !== null) process.stderr.write(`${entries} entries, and ${archivedEntries} in archives\n`);
    }
    if (all.length > 0) throw new ProtocolError('ledger_unsound', { faults: all.length });
  } finally {
    await snapshot.close();
  }
}
