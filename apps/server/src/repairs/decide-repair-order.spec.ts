// Repair is due by the chance of loss, which follows churn and shards alone; hosts that are shortly away repair nothing.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideRepair, type RepairState } from './decide-repair-order.js';
import { repairPolicy } from './repair-policy.js';

const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;
const RULES = repairPolicy.parse({});

const decide = (state: Partial<RepairState>, rules = RULES) =>
  decideRepair(
    { dataShards: 8, totalShards: 20, sound: 20, away: 0, lossesPerHostYear: 0.5, repairMs: 6 * HOUR_MS, ...state },
    rules,
  );

/** The greatest number of sound shards at which repair is due, with none away. */
function thresholdOf(state: Partial<RepairState>): number {
  const total = state.totalShards ?? 20;
  for (let sound = total; sound >= 0; sound--) if (decide({ ...state, sound }).isDue) return sound;
  return -1;
}

const anyState = fc
  .record({
    dataShards: fc.integer({ min: 1, max: 12 }),
    spare: fc.integer({ min: 0, max: 12 }),
    soundShare: fc.double({ min: 0, max: 1, noNaN: true }),
    awayShare: fc.double({ min: 0, max: 1, noNaN: true }),
    lossesPerHostYear: fc.double({ min: 0.001, max: 20, noNaN: true }),
    repairMs: fc.integer({ min: 60_000, max: 14 * 24 * HOUR_MS }),
  })
  .map(({ dataShards, spare, soundShare, awayShare, lossesPerHostYear, repairMs }): RepairState => {
    const totalShards = dataShards + spare;
    const sound = Math.round(soundShare * totalShards);
    const away = Math.round(awayShare * (totalShards - sound));
    return { dataShards, totalShards, sound, away, lossesPerHostYear, repairMs };
  });

describe('decideRepair (B22-B25)', () => {
  it.each([
    { churn: 0.05, due: 9 },
    { churn: 0.5, due: 11 },
    { churn: 5, due: 14 },
    { churn: 20, due: 19 },
  ])('repairs 8 of 20 from $due shards on where a host is lost $churn times a year', ({ churn, due }) => {
    expect(thresholdOf({ lossesPerHostYear: churn })).toBe(due);
  });

  it('repairs a code with little to spare as soon as a shard is missing', () => {
    for (const [dataShards, totalShards] of [
      [1, 2],
      [2, 3],
      [3, 5],
      [4, 6],
    ] as const)
      expect(thresholdOf({ dataShards, totalShards, lossesPerHostYear: 0.05 })).toBe(totalShards - 1);
  });

  it('computes the time to loss by the closed form', () => {
    const rate = 0.5 / YEAR_MS;
    const expected = 1 / (10 * rate) + 1 / (9 * rate) + 1 / (8 * rate);
    expect(decide({ sound: 10 }).expectedTimeToLossMs / expected).toBeCloseTo(1, 9);
    expect(decide({ sound: 7 }).expectedTimeToLossMs).toBe(0);
  });

  it('waits for the owner unless nothing is left to spare', () => {
    expect(decide({ dataShards: 3, totalShards: 5, sound: 4 }).isUrgent).toBe(false);
    expect(decide({ dataShards: 3, totalShards: 5, sound: 3 }).isUrgent).toBe(true);
    expect(decide({ dataShards: 3, totalShards: 5, sound: 4, lossesPerHostYear: 20 }).isUrgent).toBe(true);
  });

  it('never repairs for hosts that are shortly away, and one of them changes nothing at all', () => {
    fc.assert(
      fc.property(anyState, (state) => {
        const { totalShards, sound } = state;
        expect(decideRepair({ ...state, away: totalShards - sound }, RULES).isDue).toBe(false);
        if (sound === 0) return;
        const before = decideRepair({ ...state, away: 0 }, RULES);
        expect(decideRepair({ ...state, sound: sound - 1, away: 1 }, RULES)).toEqual(before);
      }),
    );
  });

  it('is monotone in churn', () => {
    fc.assert(
      fc.property(anyState, fc.double({ min: 1, max: 10, noNaN: true }), (state, factor) => {
        const less = decideRepair(state, RULES);
        const more = decideRepair({ ...state, lossesPerHostYear: state.lossesPerHostYear * factor }, RULES);
        expect(Number(more.isDue)).toBeGreaterThanOrEqual(Number(less.isDue));
        expect(Number(more.isUrgent)).toBeGreaterThanOrEqual(Number(less.isUrgent));
        expect(more.expectedTimeToLossMs).toBeLessThanOrEqual(less.expectedTimeToLossMs * (1 + 1e-9));
      }),
    );
  });

  it('is monotone in the shards that are left', () => {
    fc.assert(
      fc.property(anyState, fc.boolean(), (state, fromSound) => {
        if ((fromSound ? state.sound : state.away) === 0) return;
        const fewer = fromSound ? { ...state, sound: state.sound - 1 } : { ...state, away: state.away - 1 };
        const left = decideRepair(state, RULES);
        const less = decideRepair(fewer, RULES);
        expect(Number(less.isDue)).toBeGreaterThanOrEqual(Number(left.isDue));
        expect(less.expectedTimeToLossMs).toBeLessThanOrEqual(left.expectedTimeToLossMs * (1 + 1e-9));
      }),
    );
  });

  it('is always due with no shard to spare, for any churn that the target does not allow by itself', () => {
    fc.assert(
      fc.property(anyState, (state) => {
        if (state.dataShards === state.totalShards) return;
        const bare = { ...state, sound: state.dataShards, away: 0 };
        expect(decideRepair(bare, RULES).isDue).toBe(true);
      }),
    );
  });
});
