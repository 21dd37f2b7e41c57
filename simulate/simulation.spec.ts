// The simulated network beside the Markov chain of its shards, and what must hold in any of them (B22-B25).
import { describe, expect, it } from 'vitest';
import { HOURS_PER_YEAR, lossProbability, yearlyLossRateOf } from '#erasure';
import type { World } from './network/world.js';
import { DEFAULT_OPTIONS, type SimulationOptions } from './options.js';
import { Recording } from './recording.js';
import { reportOf } from './report.js';
import { runSimulation } from './run-simulation.js';

const LONG_MS = 10 * 60_000;

/** A few hundred peers that share, drop, rot and go away. */
const SMALL: SimulationOptions = { ...DEFAULT_OPTIONS, peers: 200, objectsPerPeer: 2, years: 0.25, churn: 0.6 };

/** Hosts fail for good and for nothing else, and every repair takes an exponential time: the chain's own assumptions. */
const BARE: SimulationOptions = {
  ...DEFAULT_OPTIONS,
  ...{ peers: 4_000, objectsPerPeer: 2, storedBytesPerPeer: 1, uptime: 1, corruption: 0, suspicious: 0 },
};

function reportText(options: SimulationOptions): string {
  const recording = new Recording(options);
  const world = runSimulation(options, (day) => recording.endDay(day));
  return JSON.stringify(reportOf(world, recording));
}

describe('a simulation', () => {
  it('gives the same bytes for the same seed, and others for another', () => {
    const first = reportText(SMALL);
    expect(reportText(SMALL)).toBe(first);
    expect(reportText({ ...SMALL, seed: 2 })).not.toBe(first);
  });

  it('keeps its books: every count of an object and of a host is what a walk over all shards finds', () => {
    const world = runSimulation({
      ...SMALL,
      suspicious: 0.1,
      corruption: 0.5,
      code: { dataShards: 2, totalShards: 4 },
    });
    const { shards, peers, tallies } = world;
    expect(tallies.repairs).toBeGreaterThan(0);
    expect(tallies.rotted).toBeGreaterThan(0);
    const held = new Array<number>(peers.count).fill(0);
    const intact = new Array<number>(shards.objects).fill(0);
    const believed = new Array<number>(shards.objects).fill(0);
    for (const [slot, host] of shards.host.entries()) {
      if (host >= 0) held[host]! += 1;
      if (shards.isGood(slot)) intact[shards.objectOf(slot)]! += 1;
      believed[shards.objectOf(slot)]! += shards.isBelieved[slot]!;
    }
    expect(Array.from(shards.heldBy)).toEqual(held);
    expect(Array.from(shards.intact)).toEqual(intact);
    expect(Array.from(shards.believed)).toEqual(believed);
    expect(held.map((_, peer) => shards.heldSlots(peer).length)).toEqual(held);
    const byIntact = shards.objectsByIntact.map((_, count) => intact.filter((good) => good === count).length);
    expect(shards.objectsByIntact).toEqual(byIntact);
    expect(Array.from(shards.objectsByIntact.subarray(0, 2)).reduce((sum, n) => sum + n)).toBe(tallies.objectsLost);
    expect(peers.onlineCount).toBe(peers.isOnline.filter((isOnline) => isOnline === 1).length);
  });

  it('never puts two shards of an object on one peer, and none on its owner', () => {
    const { shards, options } = runSimulation({ ...SMALL, peers: 30, code: { dataShards: 4, totalShards: 8 } });
    for (let object = 0; object < shards.objects; object++) {
      const hosts = shards
        .slotsOf(object)
        .map((slot) => shards.host[slot]!)
        .filter((host) => host >= 0);
      expect(new Set(hosts).size).toBe(hosts.length);
      expect(hosts).not.toContain(Math.floor(object / options.objectsPerPeer));
    }
  });

  it('finds free riders by audits, and suspends nobody who is honest (B25)', () => {
    const options = { ...SMALL, suspicious: 0.1, corruption: 0.02 };
    const audited = runSimulation(options);
    expect(audited.tallies.freeRidersJoined).toBeGreaterThan(10);
    expect(audited.tallies.freeRiderHours.length).toBeGreaterThan(0.8 * audited.tallies.freeRidersJoined);
    expect(audited.tallies.honestSuspended).toBe(0);
    const blind = runSimulation({ ...options, auditRate: 0 });
    expect(blind.tallies.freeRiderHours).toEqual([]);
    expect(blind.tallies.audits).toBe(0);
  });

  it('loses objects where nothing is repaired in time, and none where it is', () => {
    const code = { dataShards: 2, totalShards: 3 };
    const options = { ...SMALL, code, suspicious: 0, corruption: 0, churn: 0.9 };
    expect(runSimulation({ ...options, repairBandwidth: 1 }).tallies.objectsLost).toBeGreaterThan(20);
    expect(runSimulation({ ...options, code: { dataShards: 2, totalShards: 8 } }).tallies.objectsLost).toBe(0);
  });

  it('moves credit, and never below zero (B22)', () => {
    const { tallies, credits } = runSimulation({ ...SMALL, suspicious: 0.1 });
    expect(tallies.credit.earn).toBeGreaterThan(0);
    expect(tallies.credit.withhold).toBeGreaterThan(0);
    for (const purse of [credits.available, credits.withheld, credits.granted])
      expect(purse.every((amount) => amount >= 0n)).toBe(true);
  });
});

describe('agreement with the Markov chain within 5 % (B24)', () => {
  it.each([
    { dataShards: 1, totalShards: 2, churn: 0.9, repairHours: 300, repairAt: 1 },
    { dataShards: 2, totalShards: 3, churn: 0.8, repairHours: 200, repairAt: 2 },
    { dataShards: 2, totalShards: 4, churn: 0.9, repairHours: 400, repairAt: 2 },
  ])(
    '$dataShards of $totalShards, repaired at $repairAt',
    ({ dataShards, totalShards, ...rest }) => {
      const options = { ...BARE, ...rest, years: 2, code: { dataShards, totalShards } };
      const { tallies, shards } = runSimulation(options);
      const chain = {
        ...{ dataShards, totalShards, repairAtShards: rest.repairAt, repairs: 'whole' as const },
        lossRate: yearlyLossRateOf(rest.churn) / HOURS_PER_YEAR,
        repairRate: 1 / rest.repairHours,
      };
      const expected = lossProbability(chain, 2 * HOURS_PER_YEAR);
      // About 1 % is chance, with so many objects: 5 % is far from it.
      expect(expected * shards.objects).toBeGreaterThan(2_000);
      expect(Math.abs(tallies.objectsLost / shards.objects / expected - 1)).toBeLessThan(0.05);
    },
    LONG_MS,
  );

  it('is a test that can fail: a chain without repair is far from it', () => {
    const options = { ...BARE, peers: 1_000, churn: 0.9, repairHours: 300, code: { dataShards: 1, totalShards: 2 } };
    const world: World = runSimulation(options);
    const unrepaired = (1 - 0.1) ** 2;
    expect(world.tallies.objectsLost / world.shards.objects).toBeLessThan(0.6 * unrepaired);
  });
});
