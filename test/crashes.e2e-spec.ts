// Random folders, random changes, and crashes of client, hosts and broker in the whole network: whatever was reported
// complete comes back, byte for byte, on the old machine and on a new one that has the phrase alone.
import { describe, expect, it } from 'vitest';
import { CrashLife } from './property/crash-life.js';
import { type LifeEnd, liveAll, wantedLives } from './property/lives.js';

const LIVES = wantedLives({ count: 2, firstSeed: 2 });
const LIFE_MS_MAX = 120_000;
const TIMEOUT = { timeout: LIVES.count * LIFE_MS_MAX };

async function live(seed: number): Promise<LifeEnd> {
  const life = await CrashLife.begin(seed);
  try {
    return await life.live();
  } finally {
    await life.end();
  }
}

describe('every complete snapshot', () => {
  it(
    `comes back after each of ${LIVES.count} random lives, the first of seed ${LIVES.firstSeed}`,
    TIMEOUT,
    async () => {
      const totals = await liveAll(LIVES, 'crashes', live);
      // A quiet life proves nothing.
      expect(totals.complete).toBeGreaterThanOrEqual(2 * LIVES.count);
      expect(totals.crashes).toBeGreaterThanOrEqual(LIVES.count);
    },
  );
});
