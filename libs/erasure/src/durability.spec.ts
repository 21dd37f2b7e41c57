// The computed durability beside closed forms, a second way to solve the chain, and what anybody would expect of it.
import { describe, expect, it } from 'vitest';
import { durabilityOf, HOURS_PER_YEAR, yearlyLossRateOf } from './durability.js';
import { lossProbability, meanHoursToLoss, type ShardLossChain } from './shard-loss-chain.js';

const mirror: ShardLossChain = {
  dataShards: 1,
  totalShards: 2,
  repairAtShards: 1,
  lossRate: 1 / 1_000,
  repairRate: 1 / 10,
  repairs: 'each',
};

const CODES = [
  [1, 1],
  [1, 4],
  [2, 3],
  [4, 8],
] as const;
const chains: ShardLossChain[] = (['each', 'whole'] as const).flatMap((repairs) =>
  [0, 1, 4].flatMap((repairRate) =>
    CODES.flatMap(([dataShards, totalShards]) =>
      [1, 2].map((lazy) => ({
        ...{ dataShards, totalShards, repairs, repairRate },
        repairAtShards: totalShards - lazy,
        lossRate: 0.3,
      })),
    ),
  ),
);

/** The same chain by small Euler steps over the master equation, written a second time. */
function lossByEuler(chain: ShardLossChain, hours: number, steps: number): number {
  const states = chain.totalShards - chain.dataShards + 1;
  const dt = hours / steps;
  let mass = Array.from({ length: states + 1 }, (_, state) => (state === 0 ? 1 : 0));
  for (let step = 0; step < steps; step++) {
    const next = [...mass];
    for (let missing = 0; missing < states; missing++) {
      const left = chain.totalShards - missing;
      const lost = mass[missing]! * left * chain.lossRate * dt;
      next[missing]! -= lost;
      next[missing + 1]! += lost;
      if (missing === 0 || left > chain.repairAtShards) continue;
      const factor = chain.repairs === 'each' ? missing : 1;
      const repaired = mass[missing]! * factor * chain.repairRate * dt;
      next[missing]! -= repaired;
      next[chain.repairs === 'each' ? missing - 1 : 0]! += repaired;
    }
    mass = next;
  }
  return mass[states]!;
}

describe('the chain of shard losses (B24)', () => {
  it('has the known mean time to loss of a mirrored pair: (3 l + m) / 2 l^2', () => {
    const { lossRate: l, repairRate: m } = mirror;
    expect(meanHoursToLoss(mirror)).toBeCloseTo((3 * l + m) / (2 * l * l), 6);
  });

  it('has the known mean time to loss without repair: the sum of 1 / (i l)', () => {
    const chain: ShardLossChain = { ...mirror, dataShards: 4, totalShards: 6, repairRate: 0 };
    expect(meanHoursToLoss(chain)).toBeCloseTo(1_000 * (1 / 6 + 1 / 5 + 1 / 4), 9);
  });

  it('has the closed form of a mirrored pair at any time', () => {
    // Roots of s^2 + (3 l + m) s + 2 l^2, as for any two-state absorbing chain.
    const { lossRate: l, repairRate: m } = mirror;
    const half = (3 * l + m) / 2;
    const root = Math.sqrt(half * half - 2 * l * l);
    const [slow, fast] = [-half + root, -half - root];
    for (const hours of [1, 100, 8_760, 100_000]) {
      const survives = (fast * Math.exp(slow * hours) - slow * Math.exp(fast * hours)) / (fast - slow);
      expect(lossProbability(mirror, hours) / (1 - survives)).toBeCloseTo(1, 5);
    }
  });

  it('without repair is the binomial distribution of the shards that live', () => {
    const chain: ShardLossChain = { ...mirror, dataShards: 2, totalShards: 3, repairRate: 0 };
    const lives = Math.exp(-0.5);
    const fewerThanTwo = (1 - lives) ** 3 + 3 * lives * (1 - lives) ** 2;
    expect(lossProbability(chain, 500)).toBeCloseTo(fewerThanTwo, 12);
  });

  it('agrees with small steps through its master equation, for eager and lazy repair of both kinds', () => {
    for (const chain of chains) {
      const exact = lossProbability(chain, 3);
      expect(Math.abs(lossByEuler(chain, 3, 20_000) / exact - 1), JSON.stringify(chain)).toBeLessThan(0.005);
    }
  });

  it('keeps its digits where the chance is tiny: a rare loss comes at 1 / mean time', () => {
    const chain: ShardLossChain = { ...mirror, dataShards: 10, totalShards: 20, repairAtShards: 19, repairs: 'whole' };
    const rare: ShardLossChain = { ...chain, lossRate: 1e-5 };
    const perYear = HOURS_PER_YEAR / meanHoursToLoss(rare);
    expect(perYear).toBeLessThan(1e-25);
    // The first days have fewer: nothing is missing yet. So the second year is the one to look at.
    const secondYear = lossProbability(rare, 2 * HOURS_PER_YEAR) - lossProbability(rare, HOURS_PER_YEAR);
    expect(secondYear / perYear).toBeCloseTo(1, 6);
  });
});

describe('durabilityOf (B22, B24)', () => {
  const base = { dataShards: 4, totalShards: 6, yearlyLossRate: 0.3, repairHours: 48 };

  it('is worse with more churn, slower repair, later repair and less parity', () => {
    const usual = durabilityOf(base).yearlyLossProbability;
    expect(durabilityOf({ ...base, yearlyLossRate: 0.6 }).yearlyLossProbability).toBeGreaterThan(usual);
    expect(durabilityOf({ ...base, repairHours: 96 }).yearlyLossProbability).toBeGreaterThan(usual);
    expect(durabilityOf({ ...base, repairAtShards: 4 }).yearlyLossProbability).toBeGreaterThan(usual);
    expect(durabilityOf({ ...base, totalShards: 5 }).yearlyLossProbability).toBeGreaterThan(usual);
  });

  it('tells one fact in three ways', () => {
    const { yearlyLossProbability, nines, meanYearsToLoss } = durabilityOf(base);
    expect(10 ** -nines).toBeCloseTo(yearlyLossProbability, 12);
    expect(yearlyLossProbability * meanYearsToLoss).toBeCloseTo(1, 1);
  });

  it('is certain where no host is ever lost, and hopeless where nothing is repaired for ever', () => {
    expect(durabilityOf({ ...base, yearlyLossRate: 0 })).toMatchObject({ yearlyLossProbability: 0 });
    const never = durabilityOf({ ...base, yearlyLossRate: 50, repairHours: Number.POSITIVE_INFINITY });
    expect(never.yearlyLossProbability).toBeCloseTo(1, 9);
    expect(never.yearlyLossProbability).toBeLessThanOrEqual(1);
  });

  it('turns a share of lost hosts into a rate: half of them in a year is ln 2', () => {
    expect(yearlyLossRateOf(0.5)).toBeCloseTo(Math.LN2, 12);
  });
});
