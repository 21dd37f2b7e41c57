// `peerkeep-server rotate-kek`: a new key-encryption key. The broker that runs does it while it serves; without one the
// command does it itself.
import { Command } from 'commander';
import { type ExclusiveUse, takeExclusiveUse } from '#database';
import { openLog, readLogLevel, SystemClock } from '#process';
import { isRefusal, ProtocolError } from '#protocol';
import { type DataDir, existingDataDir } from '../config/data-dir.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { findKeyFile, openVault } from './key-files.js';
import { type AskedRotation, askForRotation, findRotation, KeyRotations } from './key-rotations.js';

interface RotateFlags {
  readonly dataDir?: string;
  readonly keyFile?: string;
}

const POLL_MS = 250;

export function rotateKekCommand(environment: NodeJS.ProcessEnv): Command {
  return new Command('rotate-kek')
    .description('Replace the key-encryption key and destroy the old one; works while the broker runs.')
    .option('--data-dir <dir>', 'data directory of the broker (or PEERKEEP_DATA_DIR)')
    .option(
      '--key-file <file>',
      'the key, where it is not beside the database (or PEERKEEP_KEY_ENCRYPTION_KEY_FILE); a running broker knows',
    )
    .action((flags: RotateFlags) => rotate(flags, environment));
}

async function rotate(flags: RotateFlags, environment: NodeJS.ProcessEnv): Promise<void> {
  const path = flags.dataDir ?? environment.PEERKEEP_DATA_DIR;
  if (path === undefined)
    throw new ProtocolError('usage', {}, { detail: '--data-dir (or PEERKEEP_DATA_DIR) is missing' });
  const dataDir = await existingDataDir(path);
  const database = await BrokerDatabase.open(dataDir.database);
  try {
    const id = await askForRotation(database, Date.now());
    const rotateAlone = (): Promise<void> => runWithoutBroker(database, dataDir, flags, environment);
    const { keyId, rewrapped } = await waitForEnd(database, id, dataDir, rotateAlone);
    process.stdout.write(`${JSON.stringify({ keyId, rewrapped })}\n`);
  } finally {
    await database.close();
  }
}

async function runWithoutBroker(
  database: BrokerDatabase,
  dataDir: DataDir,
  flags: RotateFlags,
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  const keyFile = await findKeyFile(dataDir, flags, environment);
  const vault = await openVault(dataDir, keyFile);
  const log = openLog('peerkeep-server', readLogLevel(environment, 'warn'));
  const clock = new SystemClock();
  await new KeyRotations({ database, vault, dataDir, keyFile, log, nowMs: () => clock.nowMs() }).run();
}

/** Tells the progress of the broker that does it; where none runs, or none runs any more, does it here. */
async function waitForEnd(
  database: BrokerDatabase,
  id: string,
  dataDir: DataDir,
  rotateAlone: () => Promise<void>,
): Promise<AskedRotation> {
  let told = 0;
  for (;;) {
    const rotation = await findRotation(database, id);
    if (rotation === null) throw new ProtocolError('data_dir_corrupt', {}, { detail: 'the rotation is gone' });
    if (rotation.finished) return rotation;
    if (rotation.rewrapped > told) process.stderr.write(`peerkeep-server: ${rotation.rewrapped} secrets sealed anew\n`);
    told = rotation.rewrapped;
    const inUse = await tryExclusiveUse(dataDir);
    if (inUse === null) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    else await rotateAlone().finally(() => inUse.release());
  }
}

/** Null while a broker runs. */
async function tryExclusiveUse(dataDir: DataDir): Promise<ExclusiveUse | null> {
  try {
    return await takeExclusiveUse(dataDir.lock);
  } catch (error) {
    if (isRefusal(error, 'data_dir_in_use')) return null;
    throw error;
  }
}
