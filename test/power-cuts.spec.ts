// Backups, forgetting and prunes of random folders, with power cuts at any call to broker, host or disk: whatever was
// reported complete comes back, byte for byte, on the old machine and on a new one that has the phrase alone.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LifeEnd, liveAll, wantedLives } from './property/lives.js';
import { PowerCutDisk } from './property/power-cut-disk.js';
import { PowerCutLife } from './property/power-cut-life.js';
import { removeFolders } from './property/random-tree.js';

const LIVES = wantedLives({ count: 20, firstSeed: 20_261_121 });
const TIMEOUT = { timeout: 300_000 };

let disk: PowerCutDisk;
beforeAll(async () => {
  disk = await PowerCutDisk.watch();
});
afterAll(() => disk.end());

async function live(seed: number): Promise<LifeEnd> {
  const folder = mkdtempSync(join(tmpdir(), 'peerkeep-life-'));
  try {
    const { faults, ...counts } = await new PowerCutLife(seed, folder, disk).live();
    return { faults, counts };
  } finally {
    removeFolders(folder);
  }
}

describe('every complete snapshot', () => {
  it(
    `comes back after each of ${LIVES.count} random lives, the first of seed ${LIVES.firstSeed}`,
    TIMEOUT,
    async () => {
      const totals = await liveAll(LIVES, 'power cuts', live);
      // A quiet life proves nothing.
      expect(totals.complete).toBeGreaterThan(LIVES.count);
      expect(totals.cuts).toBeGreaterThan(0);
      expect(totals.forgotten).toBeGreaterThan(0);
    },
  );
});
