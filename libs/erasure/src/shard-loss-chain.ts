// How an object dies shard by shard: a Markov chain over the shards that are left, absorbing below k. Pure.
//
// States are n, n-1, ..., k shards left, and "lost". With i left, one more goes at the rate i * lossRate, because hosts
// fail independently of each other. Repair is `each` (every missing shard comes back on its own: a birth-death chain)
// or `whole` (one repair brings all of them back at once).
import { strict as assert } from 'node:assert';

export interface ShardLossChain {
  readonly dataShards: number;
  readonly totalShards: number;
  /** Repair is under way while so many shards or fewer are left. */
  readonly repairAtShards: number;
  /** Losses a shard and hour. */
  readonly lossRate: number;
  /** Repairs an hour, of one shard (`each`) or of the object (`whole`); 0: never. */
  readonly repairRate: number;
  readonly repairs: 'each' | 'whole';
}

// Terms after those that reach the lost state at all: by then they fall faster than factorials.
const TERMS_BEYOND = 60;
/** Jumps in a span, on average: e^-64 is far from the smallest number. */
const SPAN_MEAN_MAX = 64;
const SHARDS_MAX = 256;

/**
 * Mean time until the object is lost, from all shards, in hours.
 *
 * source   first-step analysis: the mean time D(s) from state s down to the next one is (1 + r(s) * (D(back) + ... +
 *          D(s-1))) / l(s), with l and r the rates down and back; for `each` the closed form of J. E. Angus, "On
 *          computing MTBF for a k-out-of-n:G repairable system", IEEE Trans. Reliability 37 (1988), and for k = 1,
 *          n = 2 of P. Chen et al., "RAID: High-performance, reliable secondary storage", ACM Comp. Surveys 26 (1994)
 */
export function meanHoursToLoss(chain: ShardLossChain): number {
  check(chain);
  if (chain.lossRate === 0) return Number.POSITIVE_INFINITY;
  let total = 0;
  const stepHours: number[] = [];
  for (let state = 0; state < livingStates(chain); state++) {
    const { lossRate, backRate, backTo } = ratesFrom(chain, state);
    let wayBack = 0;
    for (let step = backTo; step < state; step++) wayBack += stepHours[step]!;
    const hours = (1 + backRate * wayBack) / lossRate;
    stepHours.push(hours);
    total += hours;
  }
  return total;
}

/**
 * Chance that an object that has all shards is lost within so many hours. Only positive terms are added and multiplied,
 * so a chance of 1e-30 is as exact as one of 0.5. Costs time in proportion to the hours and the greatest rate.
 *
 * source   uniformization: A. Jensen, "Markoff chains as an aid in the study of Markoff processes", Skandinavisk
 *          Aktuarietidskrift 36 (1953), span by span, each so short that its Poisson weights do not underflow
 */
export function lossProbability(chain: ShardLossChain, hours: number): number {
  check(chain);
  assert(hours >= 0 && Number.isFinite(hours));
  if (chain.lossRate === 0) return 0;
  const rates = Array.from({ length: livingStates(chain) }, (_, state) => ratesFrom(chain, state));
  const uniformRate = Math.max(...rates.map(({ lossRate, backRate }) => lossRate + backRate));
  const spans = Math.max(1, Math.ceil((uniformRate * hours) / SPAN_MEAN_MAX));
  const mean = (uniformRate * hours) / spans;
  const terms = Math.ceil(mean + 10 * Math.sqrt(mean)) + rates.length + TERMS_BEYOND;

  let mass = new Float64Array(rates.length + 1);
  mass[0] = 1;
  for (let span = 0; span < spans; span++) {
    let weight = Math.exp(-mean);
    let jumped = mass;
    mass = jumped.map((value) => weight * value);
    for (let jump = 1; jump <= terms; jump++) {
      jumped = jumpOnce(jumped, rates, uniformRate);
      weight *= mean / jump;
      for (let state = 0; state < mass.length; state++) mass[state]! += weight * jumped[state]!;
    }
  }
  return Math.min(1, mass[rates.length]!);
}

interface Rates {
  readonly lossRate: number;
  readonly backRate: number;
  /** State that a repair leads to. */
  readonly backTo: number;
}

function livingStates({ dataShards, totalShards }: ShardLossChain): number {
  return totalShards - dataShards + 1;
}

/** Rates out of the state in which `missing` shards are gone. */
function ratesFrom(chain: ShardLossChain, missing: number): Rates {
  const left = chain.totalShards - missing;
  const isRepaired = missing > 0 && left <= chain.repairAtShards;
  const lossRate = left * chain.lossRate;
  if (!isRepaired) return { lossRate, backRate: 0, backTo: missing };
  if (chain.repairs === 'whole') return { lossRate, backRate: chain.repairRate, backTo: 0 };
  return { lossRate, backRate: missing * chain.repairRate, backTo: missing - 1 };
}

/** One jump of the uniformized chain: the last state, lost, keeps what it has. */
function jumpOnce(mass: Float64Array, rates: readonly Rates[], uniformRate: number): Float64Array<ArrayBuffer> {
  const next = new Float64Array(mass.length);
  for (let state = 0; state < rates.length; state++) {
    const { lossRate, backRate, backTo } = rates[state]!;
    const share = mass[state]! / uniformRate;
    next[state]! += share * Math.max(0, uniformRate - lossRate - backRate);
    next[state + 1]! += share * lossRate;
    next[backTo]! += share * backRate;
  }
  next[rates.length]! += mass[rates.length]!;
  return next;
}

function check({ dataShards, totalShards, repairAtShards, lossRate, repairRate }: ShardLossChain): void {
  assert(Number.isInteger(dataShards) && dataShards >= 1);
  assert(Number.isInteger(totalShards) && totalShards >= dataShards && totalShards <= SHARDS_MAX);
  assert(Number.isInteger(repairAtShards) && repairAtShards <= totalShards);
  assert(lossRate >= 0 && Number.isFinite(lossRate));
  assert(repairRate >= 0 && Number.isFinite(repairRate));
}
