// Backups, forgetting and prunes of random folders, with power cuts at any call to broker, host or disk: whatever was
// reported complete comes back, byte for byte, on the old machine and on a new one that has the phrase alone.
import { randomInt } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PowerCutDisk } from './property/power-cut-disk.js';
import { type LifeSummary, PowerCutLife } from './property/power-cut-life.js';
import { removeFolders } from './property/random-tree.js';

const LIVES = Number(process.env.PEERKEEP_LIVES ?? 20);
/** The same lives each time; PEERKEEP_SEED=random lives others, and a number repeats one that went wrong. */
const WANTED_SEED = process.env.PEERKEEP_SEED ?? '20261121';
const FIRST_SEED = WANTED_SEED === 'random' ? randomInt(2 ** 31) : Number(WANTED_SEED);
const TIMEOUT = { timeout: 300_000 };

let disk: PowerCutDisk;
beforeAll(async () => {
  disk = await PowerCutDisk.watch();
});
afterAll(() => disk.end());

async function live(seed: number): Promise<LifeSummary> {
  const folder = mkdtempSync(join(tmpdir(), 'peerkeep-life-'));
  try {
    return await new PowerCutLife(seed, folder, disk).live();
  } catch (error) {
    throw new Error(`the life of seed ${seed} ended early`, { cause: error });
  } finally {
    removeFolders(folder);
  }
}

describe('every complete snapshot', () => {
  it(`comes back after each of ${LIVES} random lives, the first of seed ${FIRST_SEED}`, TIMEOUT, async () => {
    const totals = { complete: 0, cuts: 0, refused: 0, forgotten: 0, deletedObjects: 0, restores: 0 };
    for (let seed = FIRST_SEED; seed < FIRST_SEED + LIVES; seed++) {
      const life = await live(seed);
      expect({ seed, faults: life.faults }).toEqual({ seed, faults: [] });
      for (const name of Object.keys(totals) as (keyof typeof totals)[]) totals[name] += life[name];
    }
    process.stderr.write(`power cuts: ${LIVES} lives from seed ${FIRST_SEED}: ${JSON.stringify(totals)}\n`);
    // A quiet life proves nothing.
    expect(totals.complete).toBeGreaterThan(LIVES);
    expect(totals.cuts).toBeGreaterThan(0);
    expect(totals.forgotten).toBeGreaterThan(0);
  });
});
