// What every placement keeps to, whatever hosts there are (B23, B24, B25).

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AccountId, PeerId } from '#protocol';
import { CandidatePool } from './candidate-pool.js';
import { countDistinctOperators } from './match-operators.js';
import { type Candidate, type PlacementRequest, placeShards } from './place-shards.js';

const peer = (name: number | string): PeerId => `peer-${name}` as PeerId;
const account = (name: number | string): AccountId => `account-${name}` as AccountId;
const host = (name: number, of: number, changes: Partial<Candidate> = {}): Candidate => ({
  peerId: peer(name),
  accountId: account(of),
  network: `network-${name}`,
  availableBytes: 1_000,
  uptime: 1,
  bytesPerSecond: null,
  isVetted: true,
  region: null,
  ...changes,
});
const shards = (count: number, sizeBytes = 10): PlacementRequest['shards'] =>
  Array.from({ length: count }, (_, index) => ({ index, sizeBytes }));
const client = { peerId: peer('client'), accountId: account('client') };
const asked = (changes: Partial<PlacementRequest> = {}): PlacementRequest => ({
  client,
  shards: shards(1),
  holders: [],
  avoid: [],
  vettingShare: 0,
  ...changes,
});
const hostsOf = (request: PlacementRequest, candidates: readonly Candidate[], random = Math.random): Candidate[] =>
  placeShards(request, candidates, random).placed.map(
    ({ peerId }) => candidates.find((candidate) => candidate.peerId === peerId)!,
  );
const many = <T>(length: number, make: (i: number) => T): T[] => Array.from({ length }, (_, i) => make(i));

const luck = fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true }));
const someHosts = (countMax: number, accounts: number, networks: number) =>
  fc.uniqueArray(
    fc
      .record({
        name: fc.nat(200),
        of: fc.nat(accounts - 1),
        network: fc.nat(networks - 1),
        availableBytes: fc.integer({ min: -5, max: 40 }),
        uptime: fc.double({ min: 0, max: 1, noNaN: true }),
        bytesPerSecond: fc.option(fc.integer({ min: 1, max: 1_000 })),
        isVetted: fc.boolean(),
        region: fc.constantFrom(null, 'eu', 'us'),
      })
      .map(({ name, of, network, ...rest }) => host(name, of, { ...rest, network: `network-${network}` })),
    { selector: ({ peerId }) => peerId, maxLength: countMax },
  );

describe('placeShards', () => {
  it('keeps its invariants for any hosts, shards, holders, wishes and luck', () => {
    const scenario = fc.record({
      // Enough of them that some runs draw, and others look at all.
      hosts: fc.oneof(someHosts(20, 5, 8), someHosts(100, 30, 60)),
      clientName: fc.nat(30),
      clientAccount: fc.nat(5),
      sizes: fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 10 }),
      holders: fc.array(
        fc.record({ name: fc.nat(30), of: fc.nat(5), network: fc.option(fc.nat(8)), isVetted: fc.boolean() }),
        { maxLength: 4 },
      ),
      avoid: fc.array(fc.nat(30), { maxLength: 4 }),
      vettingShare: fc.double({ min: 0, max: 1, noNaN: true }),
      regions: fc.option(fc.constantFrom(['eu'], ['us', 'eu'], [])),
      luck,
    });
    fc.assert(
      fc.property(scenario, ({ hosts, clientName, clientAccount, sizes, avoid, vettingShare, regions, ...rest }) => {
        const request: PlacementRequest = {
          client: { peerId: peer(clientName), accountId: account(clientAccount) },
          shards: sizes.map((sizeBytes, index) => ({ index, sizeBytes })),
          holders: rest.holders.map(({ name, of, network, isVetted }) => ({
            peerId: peer(name),
            accountId: account(of),
            network: network === null ? null : `network-${network}`,
            isVetted,
          })),
          avoid: avoid.map(peer),
          vettingShare,
          ...(regions === null ? {} : { wishes: { regions } }),
        };
        const { placed, unplaced } = placeShards(request, hosts, () => rest.luck.next().value as number);

        expect([...placed.map(({ index }) => index), ...unplaced].sort()).toEqual(
          request.shards.map(({ index }) => index).sort(),
        );
        const chosen = placed.map(({ peerId }) => hosts.find((candidate) => candidate.peerId === peerId)!);
        expect(new Set(chosen).size).toBe(placed.length);
        const taken = [...chosen, ...request.holders].flatMap(({ network }) => (network === null ? [] : [network]));
        const held = new Set(request.holders.map(({ network }) => network));
        expect(new Set(chosen.map(({ network }) => network)).size).toBe(placed.length);
        for (const { network } of chosen) expect(held).not.toContain(network);
        const forbidden = [request.client.peerId, ...request.avoid, ...request.holders.map(({ peerId }) => peerId)];
        for (const [i, { index, peerId }] of placed.entries()) {
          expect(forbidden).not.toContain(peerId);
          expect(chosen[i]!.availableBytes).toBeGreaterThanOrEqual(sizes[index]!);
          if (regions !== null) expect(regions).toContain(chosen[i]!.region);
        }
        // Nothing is left out while a host is left that could take it.
        const left = hosts.filter(
          ({ peerId, network, region }) =>
            !forbidden.includes(peerId) &&
            !taken.includes(network) &&
            (regions === null || (region !== null && ([...regions] as string[]).includes(region))),
        );
        const largest = Math.max(0, ...left.map(({ availableBytes }) => availableBytes));
        for (const index of unplaced) expect(sizes[index]!).toBeGreaterThan(largest);
      }),
      { numRuns: 400 },
    );
  });

  it('reaches the most operators in networks of their own that any placement could reach', () => {
    fc.assert(
      fc.property(
        fc.oneof(someHosts(16, 6, 6), someHosts(90, 25, 25)),
        fc.integer({ min: 1, max: 12 }),
        luck,
        (all, count, random) => {
          const hosts = all.map((one) => ({ ...one, availableBytes: 100 }));
          const chosen = hostsOf(asked({ shards: shards(count) }), hosts, () => random.next().value as number);
          expect(countDistinctOperators(chosen)).toBe(Math.min(count, countDistinctOperators(hosts)));
        },
      ),
      { numRuns: 400 },
    );
  });

  it('gives hosts that are not vetted no more than their share while vetted operators are there', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        luck,
        (count, share, random) => {
          const hosts = many(120, (i) => host(i, i, { isVetted: i % 4 === 0 }));
          const request = asked({ shards: shards(count), vettingShare: share });
          const chosen = hostsOf(request, hosts, () => random.next().value as number);
          expect(chosen.length).toBe(count);
          expect(chosen.filter(({ isVetted }) => !isVetted).length).toBeLessThanOrEqual(Math.ceil(share * count));
        },
      ),
    );
  });

  it('keeps the vetting share on average, shards that are there included', () => {
    const hosts = many(40, (i) => host(i, i, { isVetted: i % 2 === 0 }));
    const holders = [{ peerId: peer(99), accountId: account(99), network: null, isVetted: true }];
    let unvetted = 0;
    for (let run = 0; run < 400; run++) {
      const request = asked({ shards: shards(5), holders, vettingShare: 0.1 });
      unvetted += hostsOf(request, hosts).filter(({ isVetted }) => !isVetted).length;
    }
    // 0.6 of 6 shards, where as many as luck allows are drawn.
    expect(unvetted / 400).toBeGreaterThan(0.45);
    expect(unvetted / 400).toBeLessThan(0.7);
  });

  it('works in a network where nobody is vetted yet', () => {
    const hosts = many(6, (i) => host(i, i, { isVetted: false }));
    expect(placeShards(asked({ shards: shards(6) }), hosts, Math.random).unplaced).toEqual([]);
    const one = [...hosts.slice(1), host(0, 0)];
    expect(placeShards(asked({ shards: shards(6) }), one, Math.random).unplaced).toEqual([]);
  });

  it.each([1_000, 20])('lets %i sybils of one network have one shard of an object at most', (sybils) => {
    const honest = many(8, (i) => host(i, i));
    const attackers = many(sybils, (i) => host(100 + i, 100 + i, { network: '203.0.113.0/24', availableBytes: 1e9 }));
    for (let run = 0; run < 50; run++) {
      const { placed, unplaced } = placeShards(
        asked({ shards: shards(6), vettingShare: 1 }),
        [...attackers, ...honest],
        Math.random,
      );
      expect(unplaced).toEqual([]);
      expect(placed.filter(({ peerId }) => attackers.some((one) => one.peerId === peerId)).length).toBeLessThanOrEqual(
        1,
      );
    }
  });

  it('spreads over accounts before it gives one account two shards', () => {
    const candidates = [host(1, 1), host(2, 1), host(3, 1), host(4, 2), host(5, 3)];
    for (let run = 0; run < 50; run++) {
      const accounts = hostsOf(asked({ shards: shards(3) }), candidates).map(({ accountId }) => accountId);
      expect(new Set(accounts).size).toBe(3);
    }
  });

  it('counts the accounts that hold other shards of the object', () => {
    const candidates = [host(1, 1), host(2, 2)];
    const holders = [{ peerId: peer(9), accountId: account(1), network: null, isVetted: true }];
    for (let run = 0; run < 20; run++) {
      const { placed } = placeShards(asked({ holders }), candidates, Math.random);
      expect(placed).toEqual([{ index: 0, peerId: peer(2) }]);
    }
  });

  it("uses the client's own other machines last", () => {
    const own = { ...host(1, 0, { availableBytes: 1_000_000 }), accountId: client.accountId };
    const candidates = [own, host(2, 2), host(3, 2)];
    const { placed } = placeShards(asked({ shards: shards(3) }), candidates, Math.random);
    expect(placed[2]).toEqual({ index: 2, peerId: peer(1) });
  });

  it.each([
    ['the space that is left', { availableBytes: 9_000 }, { availableBytes: 1_000 }],
    ['the time that a host is there', { uptime: 0.9 }, { uptime: 0.1 }],
  ])('chooses by luck, weighted by %s', (_what, large, small) => {
    // Once where all are looked at, once where they are drawn.
    for (const copies of [1, 50]) {
      const candidates = many(2 * copies, (i) => host(i, i, i < copies ? large : small));
      let chosen = 0;
      for (let step = 0; step < 1_024; step++) {
        // Two numbers sweep [0, 1): a grid in place of chance. The first of all goes to the vetting share.
        const numbers = [0, (step % 32) / 32, Math.floor(step / 32) / 32];
        const { placed } = placeShards(asked(), candidates, () => numbers.shift() ?? 0);
        if (candidates.findIndex(({ peerId }) => peerId === placed[0]!.peerId) < copies) chosen++;
      }
      expect(chosen / 1_024).toBeGreaterThan(0.85);
      expect(chosen / 1_024).toBeLessThan(0.95);
    }
  });

  it('takes the faster of two that luck offers, unless one was never measured', () => {
    const speeds = (slow: number | null) => [host(1, 1, { bytesPerSecond: slow }), host(2, 2, { bytesPerSecond: 900 })];
    const fastOf = (candidates: Candidate[]): number =>
      many(1_000, () => hostsOf(asked(), candidates)[0]!).filter(({ peerId }) => peerId === peer(2)).length;
    expect(fastOf(speeds(10))).toBeGreaterThan(700);
    expect(fastOf(speeds(10))).toBeLessThan(800);
    expect(fastOf(speeds(null))).toBeLessThan(600);
  });

  it('looks at the room that a host has now, however old the pool is', () => {
    const hosts = many(100, (i) => ({ ...host(i, i) }));
    const pool = new CandidatePool(hosts);
    expect(placeShards(asked({ shards: shards(6, 500) }), pool, Math.random).unplaced).toEqual([]);
    for (const one of hosts.slice(3)) one.availableBytes = 400;
    const { placed, unplaced } = placeShards(asked({ shards: shards(6, 500) }), pool, Math.random);
    expect([placed.length, unplaced.length]).toEqual([3, 3]);
  });

  it('keeps to a group', () => {
    const candidates = many(80, (i) => host(i, i));
    const peers = new Set([peer(3), peer(70)]);
    const { placed } = placeShards(asked({ shards: shards(4), wishes: { peers } }), candidates, Math.random);
    expect(placed.map(({ peerId }) => peerId).sort()).toEqual([...peers].sort());
  });
});
