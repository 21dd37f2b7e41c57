// Backups, forgetting and prunes of one account at the same time, with crashes and jumps of time: nothing wanted is lost.
import { describe, expect, it } from 'vitest';
import { type Omissions, type Reckoning, SimulatedAccount } from './testing/simulated-account.js';

const INTERLEAVINGS = 1_000;
/** Every so often the account is tidied up afterwards. */
const TIDIED = 10;
const TIMEOUT = { timeout: 300_000 };

/** The first seed that loses something, and what. */
async function firstLoss(omit: Omissions): Promise<{ seed: number; lost: readonly string[] } | null> {
  for (let seed = 1; seed <= INTERLEAVINGS; seed++) {
    const { lost } = await new SimulatedAccount(seed, omit).live();
    if (lost.length > 0) return { seed, lost };
  }
  return null;
}

describe('backups beside forgetting and prunes', () => {
  it(
    `restore, each complete one, after each of ${INTERLEAVINGS} random interleavings; what nobody needs is freed`,
    TIMEOUT,
    async () => {
      const totals = { complete: 0, prunes: 0, deleted: 0, repacked: 0, crashes: 0 };
      for (let seed = 1; seed <= INTERLEAVINGS; seed++) {
        const account = new SimulatedAccount(seed);
        const reckoning: Reckoning = await account.live();
        expect({ seed, lost: reckoning.lost }).toEqual({ seed, lost: [] });
        for (const name of Object.keys(totals) as (keyof typeof totals)[]) totals[name] += reckoning[name];
        if (seed % TIDIED !== 0) continue;
        expect({ seed, left: await account.tidyUp() }).toEqual({ seed, left: [] });
        expect({ seed, lost: await account.findLost() }).toEqual({ seed, lost: [] });
      }
      // A quiet life proves nothing.
      expect(totals.complete).toBeGreaterThan(4 * INTERLEAVINGS);
      expect(totals.prunes).toBeGreaterThan(4 * INTERLEAVINGS);
      expect(totals.deleted).toBeGreaterThan(4 * INTERLEAVINGS);
      expect(totals.repacked).toBeGreaterThan(INTERLEAVINGS);
      expect(totals.crashes).toBeGreaterThan(INTERLEAVINGS);
    },
  );

  // The hold has its control in timelines.spec.ts: by chance it takes about 1,500 seeds until one needs it.
  it.each<[string, Omissions]>([
    ['backups that rely on what was marked before they began', { markedAreAbsent: true }],
    ['backups without a last look', { lastLook: true }],
  ])('%s lose something', TIMEOUT, async (_what, omit) => {
    expect(await firstLoss(omit)).not.toBeNull();
  });
});
