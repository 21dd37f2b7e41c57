// What is told of an object's chances (B25): from churn, code and repair as the broker decides it, never more than was measured.
import { describe, expect, it } from 'vitest';
import { durabilityOf } from '#erasure';
import { churnPolicy } from '../churn/churn-policy.js';
import { decideChurn } from '../churn/decide-churn.js';
import { repairPolicy } from '../repairs/repair-policy.js';
import { decideSurvival } from './decide-survival.js';

const HOUR_MS = 3_600_000;
const rules = repairPolicy.parse({});
const assumptions = churnPolicy.parse({});
const CODE = { dataShards: 4, totalShards: 6 };

const churnOf = (hostYears: number, losses: number): ReturnType<typeof decideChurn> =>
  decideChurn({ hostYears, losses, uptime: null }, assumptions);
const told = (
  { hostYears = 0, losses = 0, repairMs = (6 * HOUR_MS) as number | null },
  code = CODE,
): ReturnType<typeof decideSurvival> =>
  decideSurvival(code, churnOf(hostYears, losses), { rules, repairMs }, assumptions);

describe('survival', () => {
  it('is what the formula says for the churn, the silence that is waited for, and the repair', () => {
    const { yearlyLossProbability, nines } = durabilityOf({ ...CODE, yearlyLossRate: 0.25, repairHours: 48 + 6 });
    expect(told({})).toEqual({
      perYear: 1 - yearlyLossProbability,
      nines,
      lossesPerHostYear: 0.25,
      measuredOverHostYears: 0,
      basis: 'assumed',
    });
    // Four nines and a little: what a network may say that has measured nothing.
    expect(nines).toBeGreaterThan(4);
    expect(nines).toBeLessThan(5);
  });

  it('is measured once more host-years were seen than are assumed', () => {
    expect(told({ hostYears: 19, losses: 5 }).basis).toBe('assumed');
    expect(told({ hostYears: 37, losses: 2 })).toMatchObject({ basis: 'measured', measuredOverHostYears: 37 });
    expect(told({ hostYears: 37, losses: 2 }).nines).toBeGreaterThan(told({}).nines);
    expect(told({ hostYears: 37, losses: 37 }).nines).toBeLessThan(told({}).nines);
  });

  it('knows that a wide code is repaired late, and that nothing may be repaired at all', () => {
    const wide = { dataShards: 8, totalShards: 20 };
    const eager = durabilityOf({ ...wide, yearlyLossRate: 0.25, repairHours: 54 }).nines;
    expect(told({}, wide).nines).toBeLessThan(eager - 3);
    expect(told({}, wide).nines).toBeGreaterThan(told({}).nines);
    expect(told({ repairMs: null }).nines).toBeLessThan(1);
    // One copy is lost with its host: e^-0.25.
    expect(told({}, { dataShards: 1, totalShards: 1 }).perYear).toBeCloseTo(Math.exp(-0.25), 6);
  });

  it('is a number that can be told, however many nines it has', () => {
    const { nines, perYear } = told({ hostYears: 1e6 }, { dataShards: 2, totalShards: 20 });
    expect(nines).toBe(15);
    expect(perYear).toBe(1);
  });
});
