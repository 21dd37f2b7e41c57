// A hard year of fifty hosts (B18, B22-B25): 5 % are lost for good each month, disks rot, the broker restarts, owners are away.
// Prints what happened; SEED=n runs the same year again.
import { randomInt } from 'node:crypto';
import { expect, it } from 'vitest';
import { HardYear } from '../year-of-fifty/hard-year.js';

const SEED = Number(process.env.SEED ?? randomInt(2 ** 31));
const MONTHS = 12;

it(`a year of fifty hosts, seed ${SEED}`, async () => {
  const year = await HardYear.begin({
    ...{ seed: SEED, agents: 50, months: MONTHS, stepsPerMonth: 8, owners: 8, rotsPerMonth: 4, restartsPerMonth: 2 },
    code: { dataShards: 4, totalShards: 10, safeShards: 7 },
  });
  try {
    for (let month = 0; month < MONTHS; month++) {
      await year.month();
      process.stdout.write(`${JSON.stringify({ month: month + 1, ...year.report })}\n`);
    }
    expect(await year.restoreAll()).toEqual([]);
    expect(year.report.deaths).toBeGreaterThan(20);
    expect(year.report.repairs).toBeGreaterThan(20);
    process.stdout.write(`${JSON.stringify({ seed: SEED, ...year.report })}\n`);
  } finally {
    await year.end();
  }
});
