// Measures how long a machine takes that has lost its cache until it knows again where a million chunks lie.
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from '../scripts/demo/command.js';
import { makeAccount } from './rebuild/make-account.js';

const CHUNKS = 1_000_000;
const ROUNDS = 3;

/**
 * The index objects of a first backup of about a terabyte, 4 of 6, as files; a broker and hosts that only read them, in
 * the process of the engine. Data objects are listed and have no bytes: whoever asked for one would fail. Each round
 * begins without a cache.
 *
 * returns  every round, with a bare read and SHA-256 of the bytes that were fetched as a yardstick
 */
export async function benchRebuild(): Promise<object> {
  const folder = await mkdtemp(join(tmpdir(), 'peerkeep-bench-rebuild-'));
  const script = fileURLToPath(new URL('./rebuild/rebuild-process.js', import.meta.url));
  try {
    makeAccount(folder, CHUNKS);
    const rounds: unknown[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      await rm(join(folder, 'client'), { recursive: true, force: true });
      rounds.push(JSON.parse(await Command.startOther(process.execPath, [script, folder]).finish()));
    }
    return {
      bench: 'rebuild',
      cpu: `${cpus().length} x ${cpus()[0]?.model}`,
      node: process.version,
      chunks: CHUNKS,
      rounds,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
