// Three hard months of fourteen hosts (B18, B22-B25): one in twenty is lost for good each month, disks rot, the broker
// restarts; nothing is lost, everything is mended in time, the books are right at every step. The year of fifty is a long test.
import { randomInt } from 'node:crypto';
import { expect, it } from 'vitest';
import { HardYear } from './year-of-fifty/hard-year.js';

const SEED = Number(process.env.SEED ?? randomInt(2 ** 31));

it(`three months of fourteen hosts, seed ${SEED}`, async () => {
  const year = await HardYear.begin({
    ...{ seed: SEED, agents: 14, months: 3, stepsPerMonth: 7, owners: 2, rotsPerMonth: 2, restartsPerMonth: 1 },
    code: { dataShards: 4, totalShards: 8, safeShards: 6 },
  });
  try {
    for (let month = 0; month < 3; month++) await year.month();
    expect(await year.restoreAll()).toEqual([]);
    const { rots, restarts, objects } = year.report;
    expect({ rots, restarts }).toEqual({ rots: 6, restarts: 3 });
    expect(objects).toBeGreaterThan(8);
    process.stdout.write(`${JSON.stringify({ seed: SEED, ...year.report })}\n`);
  } finally {
    await year.end();
  }
}, 300_000);
