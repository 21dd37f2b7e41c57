// How sure it is that an object of a code is still there in a year, at the churn that this network has (B25). Pure.
import { durabilityOf } from '#erasure';
import type { ChurnPolicy } from '../churn/churn-policy.js';
import type { Churn } from '../churn/decide-churn.js';
import { decideRepair, type RepairRules } from '../repairs/decide-repair-order.js';

const HOUR_MS = 3_600_000;
/** Above, a figure says nothing but that something else than the loss of single hosts will lose the object. */
const NINES_TOLD_MAX = 15;

export interface Code {
  readonly dataShards: number;
  readonly totalShards: number;
}

export interface Repairing {
  readonly rules: RepairRules;
  /** From the time at which a repair is due until it has ended, on average; null: nothing is repaired. */
  readonly repairMs: number | null;
}

export interface Survival {
  /** Chance that an object which is whole now is there in a year, 0 to 1. */
  readonly perYear: number;
  /** -log10 of the chance that it is not, NINES_TOLD_MAX at most. */
  readonly nines: number;
  readonly lossesPerHostYear: number;
  readonly measuredOverHostYears: number;
  /** More than half of the churn is what was measured, or less. */
  readonly basis: 'measured' | 'assumed';
}

/**
 * What the formula says (libs/erasure), for hosts that are lost independently of each other, with repair as this broker
 * decides it: from as many missing shards on, and after as long a silence. Not a promise.
 */
export function decideSurvival(
  code: Code,
  churn: Churn,
  { rules, repairMs }: Repairing,
  { assumed }: Pick<ChurnPolicy, 'assumed'>,
): Survival {
  const { lossesPerHostYear, hostYears } = churn;
  const durability = durabilityOf({
    ...code,
    repairAtShards: repairedFrom(code, churn, { rules, repairMs }),
    yearlyLossRate: lossesPerHostYear,
    // A host that is lost is missed only when it has been silent for long enough.
    repairHours: repairMs === null ? Number.POSITIVE_INFINITY : (rules.missedAfterMs + repairMs) / HOUR_MS,
  });
  return {
    perYear: 1 - durability.yearlyLossProbability,
    nines: Math.min(NINES_TOLD_MAX, durability.nines),
    lossesPerHostYear,
    measuredOverHostYears: hostYears,
    basis: hostYears >= assumed.hostYears ? 'measured' : 'assumed',
  };
}

/** The most shards that are left when a repair is due. */
function repairedFrom({ dataShards, totalShards }: Code, { lossesPerHostYear }: Churn, repairing: Repairing): number {
  const { rules, repairMs } = repairing;
  const isDue = (sound: number): boolean =>
    decideRepair({ dataShards, totalShards, sound, away: 0, lossesPerHostYear, repairMs: repairMs ?? 0 }, rules).isDue;
  let sound = totalShards - 1;
  while (sound > dataShards && !isDue(sound)) sound--;
  return sound;
}
