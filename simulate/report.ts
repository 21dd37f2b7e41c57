// The figures of one simulation as a JSON document: no clock and no machine in it, so one seed gives the same bytes.
import { durabilityOf, HOURS_PER_YEAR, yearlyLossRateOf } from '#erasure';
import { poissonBounds } from './engine/confidence.js';
import { chargeOfAccount } from './network/credits.js';
import type { World } from './network/world.js';
import type { Recording } from './recording.js';

const DIGITS = 6;

export function reportOf(world: World, recording: Recording): object {
  return rounded({
    simulation: 1,
    options: world.options,
    code: { dataShards: world.code.dataShards, totalShards: world.code.totalShards },
    followed: followed(world),
    durability: durability(world),
    availability: availability(world),
    churn: churn(world),
    repair: repair(world),
    audits: audits(world),
    credit: credit(world),
    series: recording.points,
  });
}

/** What is followed one by one, and what stands for more than itself. */
function followed({ options, shards, weight, credits }: World): object {
  return {
    peers: options.peers,
    objects: shards.objects,
    shards: shards.host.length,
    objectsThatOneStandsFor: weight,
    accountsThatOneStandsFor: credits.stride,
  };
}

function durability(world: World): object {
  const { tallies, shards, options, code } = world;
  const objectYears = tallies.objectHours / HOURS_PER_YEAR;
  const bounds = poissonBounds(tallies.objectsLost);
  const repairHours = mean(tallies.repairHours);
  const repairAt = lastDue(world);
  const computed =
    repairHours === null || repairAt < code.dataShards
      ? null
      : durabilityOf({
          ...code,
          repairAtShards: repairAt,
          yearlyLossRate: yearlyLossRateOf(options.churn),
          repairHours,
        });
  return {
    objects: shards.objects,
    objectYears,
    objectsLost: tallies.objectsLost,
    lossesPerObjectYear: {
      seen: tallies.objectsLost / objectYears,
      lower95: bounds.lower95 / objectYears,
      upper95: bounds.upper95 / objectYears,
      // With none seen the bound is the rule of three; it says how much was simulated, not how durable the network is.
      byRuleOfThree: tallies.objectsLost === 0,
    },
    computed: computed && { ...computed, from: { repairHours, repairAtShards: repairAt } },
    shardsLeft: Array.from(shards.objectsByIntact),
  };
}

/** Most shards at which a repair is due. */
function lastDue({ code, rules }: World): number {
  let left = code.totalShards - 1;
  while (left > 0 && !rules.repairOf({ sound: left, away: 0 }).isDue) left--;
  return left;
}

function availability({ tallies }: World): object {
  const { availabilitySamples: samples, unavailableSamples: unavailable } = tallies;
  return { samples, unavailable, shareOfTime: samples === 0 ? 1 : 1 - unavailable / samples };
}

function churn({ tallies, options }: World): object {
  const { deaths, outages, falseAlarms } = tallies;
  return { peersLost: deaths, perPeerYear: deaths / (options.peers * options.years), outages, falseAlarms };
}

function repair(world: World): object {
  const { tallies, options, weight, shards } = world;
  const moved = tallies.repairReadBytes + tallies.repairWrittenBytes;
  const storedBytes = shards.objects * weight * options.objectBytes;
  const sorted = Float64Array.from(tallies.repairHours).sort();
  return {
    shardsMissed: tallies.shardsMissed,
    shardsRotted: tallies.rotted,
    repairs: tallies.repairs,
    shardsWritten: tallies.repairedShards,
    readBytes: tallies.repairReadBytes,
    writtenBytes: tallies.repairWrittenBytes,
    bytesPerPeerSecond: moved / options.peers / (options.years * HOURS_PER_YEAR * 3_600),
    bytesPerStoredByteYear: moved / storedBytes / options.years,
    hours: {
      mean: mean(tallies.repairHours),
      median: quantile(sorted, 0.5),
      p99: quantile(sorted, 0.99),
      max: quantile(sorted, 1),
    },
    waitingMax: tallies.repairsWaitingMax,
    tooFewSources: tallies.repairsWithoutSources,
    incomplete: tallies.repairsIncomplete,
  };
}

function audits({ tallies, peers, options }: World): object {
  const days = options.years * (HOURS_PER_YEAR / 24);
  const found = Float64Array.from(tallies.freeRiderHours).sort();
  return {
    asked: Math.round(tallies.audits),
    perHostDay: tallies.audits / options.peers / days,
    perSecond: tallies.audits / (days * 86_400),
    bytes: Math.round(tallies.auditBytes),
    offline: Math.round(tallies.auditsOffline),
    failed: tallies.auditsFailed,
    freeRiders: {
      joined: tallies.freeRidersJoined,
      suspended: found.length,
      notFound: peers.countFreeRiders(),
      hoursUntilSuspended: { median: quantile(found, 0.5), p99: quantile(found, 0.99) },
    },
    honestSuspended: tallies.honestSuspended,
  };
}

function credit(world: World): object {
  const { credits, tallies, rules } = world;
  const sum = (purse: readonly bigint[]): number =>
    Number(purse.reduce((total, amount) => total + amount, 0n)) * credits.stride;
  const paid = chargeOfAccount(world);
  const short = credits.granted.filter((granted) => Number(granted) + rules.policy.openingCreditBytes < paid).length;
  return {
    ratio: rules.ratio,
    windowDays: credits.windowDays,
    moved: tallies.credit,
    granted: sum(credits.granted),
    available: sum(credits.available),
    withheld: sum(credits.withheld),
    chargedPerAccount: paid,
    /** Accounts whose hosting is worth less than what they store: they keep it, and can store no more. */
    accountsShort: short * credits.stride,
  };
}

function mean(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

function quantile(sorted: Float64Array, share: number): number | null {
  return sorted.length === 0 ? null : sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

/** Six digits say all that a simulation knows; whole numbers stay whole. */
function rounded(value: unknown): object {
  return JSON.parse(
    JSON.stringify(value, (_, field) =>
      typeof field === 'number' && !Number.isInteger(field) ? Number(field.toPrecision(DIGITS)) : field,
    ),
  );
}
