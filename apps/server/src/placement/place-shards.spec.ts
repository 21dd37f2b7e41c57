// What every placement keeps to, whatever hosts there are.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AccountId, PeerId } from '#protocol';
import { type Candidate, type PlacementRequest, placeShards } from './place-shards.js';

const peer = (name: number | string): PeerId => `peer-${name}` as PeerId;
const account = (name: number | string): AccountId => `account-${name}` as AccountId;
const host = (name: number, of: number, availableBytes = 1_000): Candidate => ({
  peerId: peer(name),
  accountId: account(of),
  availableBytes,
});
const shards = (count: number, sizeBytes = 10): PlacementRequest['shards'] =>
  Array.from({ length: count }, (_, index) => ({ index, sizeBytes }));
const client = { peerId: peer('client'), accountId: account('client') };
const half = (): number => 0.5;

describe('placeShards', () => {
  it('keeps its invariants for any hosts, shards, holders and luck', () => {
    const hosts = fc.uniqueArray(
      fc.record({ name: fc.nat(30), of: fc.nat(5), availableBytes: fc.integer({ min: -5, max: 40 }) }),
      { selector: ({ name }) => name, maxLength: 20 },
    );
    const scenario = fc.record({
      hosts,
      clientName: fc.nat(30),
      clientAccount: fc.nat(5),
      sizes: fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 10 }),
      holders: fc.array(fc.record({ name: fc.nat(30), of: fc.nat(5) }), { maxLength: 4 }),
      avoid: fc.array(fc.nat(30), { maxLength: 4 }),
      luck: fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
    });
    fc.assert(
      fc.property(scenario, ({ hosts: all, clientName, clientAccount, sizes, holders, avoid, luck }) => {
        const candidates = all.map(({ name, of, availableBytes }) => host(name, of, availableBytes));
        const request: PlacementRequest = {
          client: { peerId: peer(clientName), accountId: account(clientAccount) },
          shards: sizes.map((sizeBytes, index) => ({ index, sizeBytes })),
          holders: holders.map(({ name, of }) => ({ peerId: peer(name), accountId: account(of) })),
          avoid: avoid.map(peer),
        };
        const { placed, unplaced } = placeShards(request, candidates, () => luck.next().value as number);

        expect([...placed.map(({ index }) => index), ...unplaced].sort()).toEqual(
          request.shards.map(({ index }) => index).sort(),
        );
        expect(new Set(placed.map(({ peerId }) => peerId)).size).toBe(placed.length);
        const forbidden = [request.client.peerId, ...request.avoid, ...request.holders.map(({ peerId }) => peerId)];
        for (const { index, peerId } of placed) {
          expect(forbidden).not.toContain(peerId);
          const chosen = candidates.find((candidate) => candidate.peerId === peerId);
          expect(chosen!.availableBytes).toBeGreaterThanOrEqual(sizes[index]!);
        }
        // Nothing is left out while a host is left that could take it.
        const used = new Set([...forbidden, ...placed.map(({ peerId }) => peerId)]);
        const largest = Math.max(
          0,
          ...candidates.filter(({ peerId }) => !used.has(peerId)).map(({ availableBytes }) => availableBytes),
        );
        for (const index of unplaced) expect(sizes[index]!).toBeGreaterThan(largest);
      }),
    );
  });

  it('spreads over accounts before it gives one account two shards', () => {
    const candidates = [host(1, 1), host(2, 1), host(3, 1), host(4, 2), host(5, 3)];
    for (let run = 0; run < 50; run++) {
      const { placed } = placeShards({ client, shards: shards(3), holders: [], avoid: [] }, candidates, Math.random);
      const accounts = placed.map(({ peerId }) => candidates.find((c) => c.peerId === peerId)!.accountId);
      expect(new Set(accounts).size).toBe(3);
    }
  });

  it('counts the accounts that hold other shards of the object', () => {
    const candidates = [host(1, 1), host(2, 2)];
    const holders = [{ peerId: peer(9), accountId: account(1) }];
    for (let run = 0; run < 20; run++) {
      const { placed } = placeShards({ client, shards: shards(1), holders, avoid: [] }, candidates, Math.random);
      expect(placed).toEqual([{ index: 0, peerId: peer(2) }]);
    }
  });

  it("uses the client's own other machines last", () => {
    const own = { peerId: peer(1), accountId: client.accountId, availableBytes: 1_000_000 };
    const candidates = [own, host(2, 2), host(3, 2)];
    const { placed } = placeShards({ client, shards: shards(3), holders: [], avoid: [] }, candidates, half);
    expect(placed.map(({ peerId }) => peerId)).toEqual([peer(2), peer(3), peer(1)]);
  });

  it('chooses by luck, weighted by the space that is left', () => {
    const candidates = [host(1, 1, 9_000), host(2, 2, 1_000)];
    let large = 0;
    for (let step = 0; step < 1_000; step++) {
      // Both numbers sweep [0, 1): a grid in place of chance.
      const numbers = [(step % 32) / 32, Math.floor(step / 32) / 32];
      const random = (): number => numbers.shift()!;
      const { placed } = placeShards({ client, shards: shards(1), holders: [], avoid: [] }, candidates, random);
      if (placed[0]!.peerId === peer(1)) large++;
    }
    expect(large).toBeGreaterThan(850);
    expect(large).toBeLessThan(950);
  });
});
