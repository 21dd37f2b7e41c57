// Decides whether an object is to be repaired now, and which of two is repaired first (B22-B25). Pure.
//
// An object may be lost with so small a chance a year (`lossTarget`), and each stretch of time may spend its share of that.
// The stretch that counts is the one in which nothing can be done: until a host that is lost is missed, and until the
// repair that then begins has ended. Repair is due when losing the object in it has a greater chance than the stretch's
// share. So the number of shards from which on an object is repaired rises by itself with the losses that are measured and
// with the time that repairs take, and is written down nowhere.
import { strict as assert } from 'node:assert';
import { HOURS_PER_YEAR, lossProbability, meanHoursToLoss, type ShardLossChain } from '#erasure';
import type { RepairPolicy } from './repair-policy.js';

const HOUR_MS = 3_600_000;
/** One absent host is no news: machines are switched off at night. */
const AWAY_BELIEVED = 1;

export interface RepairState {
  readonly dataShards: number;
  readonly totalShards: number;
  /** Shards at hosts that are there, and not known to be damaged. */
  readonly sound: number;
  /** Shards at hosts that are silent, for a shorter time than `missedAfterMs`. Those of no other kind count as missing. */
  readonly away: number;
  /** Hosts lost for good in a year, for each host that is there. */
  readonly lossesPerHostYear: number;
  /** From the time at which a repair is due until it has ended, on average. */
  readonly repairMs: number;
}

export interface RepairDecision {
  /** Never while nothing is missing: hosts that are shortly away set off no repair. */
  readonly isDue: boolean;
  /** Waiting for the owner's machines for `ownerFirstMs` would cost too great a chance of loss. */
  readonly isUrgent: boolean;
  /** If nothing is repaired; the object with the least is first. 0 when there are fewer shards than it takes. */
  readonly expectedTimeToLossMs: number;
}

export type RepairRules = Pick<
  RepairPolicy,
  'missedAfterMs' | 'lossTarget' | 'horizonMs' | 'awayLostChance' | 'ownerFirstMs' | 'waitLossMax'
>;

/**
 * returns   expectedTimeToLossMs Infinity where no host is ever lost; isDue then only below k shards
 * source    the chain of libs/erasure without repair; its closed form is the sum over i from k to s of 1 / (i * rate)
 */
export function decideRepair(state: RepairState, rules: RepairRules): RepairDecision {
  const { dataShards, totalShards, sound, away, lossesPerHostYear, repairMs } = state;
  assert(Number.isInteger(sound) && sound >= 0);
  assert(Number.isInteger(away) && away >= 0);
  assert(sound + away <= totalShards);
  assert(lossesPerHostYear >= 0 && Number.isFinite(lossesPerHostYear));
  assert(repairMs >= 0 && Number.isFinite(repairMs));
  const lossRate = lossesPerHostYear / HOURS_PER_YEAR;
  const lefts = leftOf(state, rules.awayLostChance);
  const chanceWithin = (spanMs: number): number =>
    meanOver(lefts, (left) => chanceOfLoss({ dataShards, left, lossRate }, spanMs));
  const blindMs = rules.missedAfterMs + repairMs;
  const isMissing = sound + away < totalShards;
  return {
    isDue: isMissing && chanceWithin(blindMs) > (rules.lossTarget * blindMs) / rules.horizonMs,
    isUrgent: chanceWithin(rules.ownerFirstMs) > rules.waitLossMax,
    expectedTimeToLossMs: meanOver(lefts, (left) => hoursToLoss({ dataShards, left, lossRate }) * HOUR_MS),
  };
}

interface Left {
  readonly dataShards: number;
  readonly left: number;
  /** Losses a shard and hour. */
  readonly lossRate: number;
}

/** How many shards there may be in truth, with the chance of each: those away come back one by one, or never. */
function leftOf({ sound, away }: RepairState, lostChance: number): { left: number; chance: number }[] {
  const believed = sound + Math.min(away, AWAY_BELIEVED);
  const doubted = away - Math.min(away, AWAY_BELIEVED);
  const lefts: { left: number; chance: number }[] = [];
  let chance = (1 - lostChance) ** doubted;
  for (let lost = 0; lost <= doubted; lost++) {
    lefts.push({ left: believed + doubted - lost, chance });
    chance *= ((doubted - lost) / (lost + 1)) * (lostChance / (1 - lostChance));
  }
  return lefts;
}

function meanOver(lefts: readonly { left: number; chance: number }[], value: (left: number) => number): number {
  return lefts.reduce((sum, { left, chance }) => sum + chance * value(left), 0);
}

function chanceOfLoss(state: Left, spanMs: number): number {
  return state.left < state.dataShards ? 1 : lossProbability(withoutRepair(state), spanMs / HOUR_MS);
}

function hoursToLoss(state: Left): number {
  return state.left < state.dataShards ? 0 : meanHoursToLoss(withoutRepair(state));
}

function withoutRepair({ dataShards, left, lossRate }: Left): ShardLossChain {
  return { dataShards, totalShards: left, repairAtShards: dataShards, lossRate, repairRate: 0, repairs: 'whole' };
}
