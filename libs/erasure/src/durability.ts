// How sure it is that an object is still there in a year: computed for a code, a measured churn and a repair time. Pure.
import { strict as assert } from 'node:assert';
import { lossProbability, meanHoursToLoss, type ShardLossChain } from './shard-loss-chain.js';

export const HOURS_PER_YEAR = 365 * 24;
/** No network repairs faster, and the computation takes the longer the faster it does. */
const REPAIR_HOURS_MIN = 0.1;

export interface DurabilityRequest {
  readonly dataShards: number;
  readonly totalShards: number;
  /** Repair begins when so many shards or fewer are left; absent: as soon as one is missing. */
  readonly repairAtShards?: number;
  /** Hosts lost for good in a year, for each host that is there: a rate, so 1 means one loss per host and year. */
  readonly yearlyLossRate: number;
  /** Mean time from a host's loss until all missing shards are on other hosts; Infinity: nothing is repaired. */
  readonly repairHours: number;
}

export interface Durability {
  /** Chance that an object which is whole now is lost within a year. */
  readonly yearlyLossProbability: number;
  /** -log10 of that chance: 3 for 0.1 %. Infinity where nothing is ever lost. */
  readonly nines: number;
  readonly meanYearsToLoss: number;
}

/**
 * What the formula says of one object, for hosts that fail independently of each other and repair that never fails. A
 * storm, a bad release or one operator with many names breaks both assumptions: many nines here are a bound from above.
 *
 * source   H. Weatherspoon and J. Kubiatowicz, "Erasure coding vs. replication: a quantitative comparison" (IPTPS 2002)
 *          for the question; their fixed epochs of repair are exponential times here (see shard-loss-chain.ts)
 */
export function durabilityOf(request: DurabilityRequest): Durability {
  assert(request.yearlyLossRate >= 0);
  assert(request.repairHours > 0);
  const chain: ShardLossChain = {
    dataShards: request.dataShards,
    totalShards: request.totalShards,
    repairAtShards: request.repairAtShards ?? request.totalShards - 1,
    lossRate: request.yearlyLossRate / HOURS_PER_YEAR,
    repairRate: 1 / Math.max(REPAIR_HOURS_MIN, request.repairHours),
    repairs: 'whole',
  };
  const yearlyLossProbability = lossProbability(chain, HOURS_PER_YEAR);
  return {
    yearlyLossProbability,
    nines: -Math.log10(yearlyLossProbability),
    meanYearsToLoss: meanHoursToLoss(chain) / HOURS_PER_YEAR,
  };
}

/** The rate at which a share of the hosts (0 to below 1) is gone after a year: -ln(1 - share). */
export function yearlyLossRateOf(lostShareInAYear: number): number {
  assert(lostShareInAYear >= 0 && lostShareInAYear < 1);
  return -Math.log1p(-lostShareInAYear);
}
