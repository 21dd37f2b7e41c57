// Peers are sent to relays that are well, near them, and not all to the same one (F2).
import { describe, expect, it } from 'vitest';
import type { AccountId, PeerId } from '#protocol';
import { isItsWay } from '../ledger/movement.js';
import { decideCarriage } from './decide-carriage.js';
import { decideRelay, loadOf, type RelayCandidate, type RelayWish } from './decide-relay.js';

const WISH: RelayWish = { avoid: [], stayWith: null, region: null, network: null };

function relay(name: string, change: Partial<RelayCandidate> = {}): RelayCandidate {
  return {
    peerId: name as PeerId,
    peers: 0,
    sentThere: 0,
    peersMax: 100,
    isEnding: false,
    isDrained: false,
    region: null,
    network: `net of ${name}`,
    ...change,
  };
}

/** mulberry32: small, and the same for the same seed. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('decideRelay', () => {
  const chosen = (relays: RelayCandidate[], wish: Partial<RelayWish> = {}, random = 0): string | undefined =>
    decideRelay(relays, { ...WISH, ...wish }, () => random)?.peerId;

  it.each([
    ['the emptier one', [relay('a', { peers: 50 }), relay('b', { peers: 10 })], {}, 'b'],
    ['the emptier one for its size', [relay('a', { peers: 11 }), relay('b', { peers: 50, peersMax: 1_000 })], {}, 'b'],
    ['counting who was just sent there', [relay('a', { sentThere: 20 }), relay('b', { peers: 10 })], {}, 'b'],
    ['none that just failed the peer', [relay('a'), relay('b', { peers: 90 })], { avoid: ['a' as PeerId] }, 'b'],
    ['none that stops', [relay('a', { isEnding: true }), relay('b', { peers: 90 })], {}, 'b'],
    ['none that is drained', [relay('a', { isDrained: true }), relay('b', { peers: 90 })], {}, 'b'],
    ['none that is full', [relay('a', { peers: 100 }), relay('b', { peers: 99 })], {}, 'b'],
    ['one of its region', [relay('a'), relay('b', { peers: 70, region: 'eu' })], { region: 'eu' }, 'b'],
    ['one of its network', [relay('a'), relay('b', { peers: 70, network: 'n' })], { network: 'n' }, 'b'],
    [
      'one far away before a near one is full',
      [relay('a'), relay('b', { peers: 81, region: 'eu' })],
      { region: 'eu' },
      'a',
    ],
    ['the one that it has, however full', [relay('a'), relay('b', { peers: 100 })], { stayWith: 'b' as PeerId }, 'b'],
    [
      'another than the one that it has and that stops',
      [relay('a'), relay('b', { isEnding: true })],
      { stayWith: 'b' as PeerId },
      'a',
    ],
    [
      'another than the one that it has and avoids',
      [relay('a'), relay('b')],
      { stayWith: 'b' as PeerId, avoid: ['b' as PeerId] },
      'a',
    ],
    ['nothing where there is none', [], {}, undefined],
    ['nothing where all are full', [relay('a', { peers: 100 })], {}, undefined],
  ])('takes %s', (_name, relays, wish, expected) => {
    expect(chosen(relays, wish)).toBe(expected);
  });

  it('lets chance decide among equals', () => {
    const equals = [relay('a'), relay('b', { peers: 4 }), relay('c', { peers: 20 })];
    expect([0, 0.49, 0.5, 0.99].map((random) => chosen(equals, {}, random))).toEqual(['a', 'a', 'b', 'b']);
  });

  it('spreads peers by the sizes of relays, within a twentieth of each (seed 6)', () => {
    const random = seeded(6);
    const relays = [relay('a', { peersMax: 1_000 }), relay('b', { peersMax: 2_000 }), relay('c', { peersMax: 500 })];
    for (let i = 0; i < 2_100; i++) {
      const { peerId } = decideRelay(relays, WISH, random)!;
      const at = relays.findIndex((one) => one.peerId === peerId);
      relays[at] = { ...relays[at]!, sentThere: relays[at]!.sentThere + 1 };
    }
    for (const one of relays) expect(Math.abs(loadOf(one) - 0.6)).toBeLessThan(0.05);
  });
});

describe('decideCarriage', () => {
  const [client, other, owner] = ['c', 'd', 'r'] as AccountId[];
  const carriage = (bytesBefore: number, bytesAfter: number, payer = client!) => ({
    leaseId: 'lease',
    payer,
    relay: owner!,
    bytesBefore,
    bytesAfter,
  });
  const has = (amount: bigint): Map<AccountId, bigint> => new Map([[client!, amount]]);

  it('costs nothing without a price', () => {
    expect(decideCarriage([carriage(0, 1_000)], { bytePrice: 0, available: has(9n) })).toEqual([]);
  });

  it('moves what the bytes cost from who asked to the owner of the relay, the way of its kind', () => {
    const [movement] = decideCarriage([carriage(0, 1_000)], { bytePrice: 0.01, available: has(99n) });
    expect(movement).toMatchObject({ kind: 'carry', debit: 'available:c', credit: 'available:r', amount: 10n });
    expect(isItsWay(movement!)).toBe(true);
    expect(isItsWay({ ...movement!, kind: 'settle' })).toBe(false);
  });

  it('costs the same in however many parts it is told', () => {
    const options = { bytePrice: 0.003, available: has(1_000n) };
    const parts = [0, 1, 333, 334, 900, 1_000].map((to, i, all) => carriage(all[i - 1] ?? 0, to)).slice(1);
    const sum = parts.flatMap((part) => decideCarriage([part], options)).reduce((all, { amount }) => all + amount, 0n);
    expect(sum).toBe(3n);
  });

  it('takes no more than there is, in order, and nothing from who owns the relay', () => {
    const both = [carriage(0, 800), { ...carriage(0, 800), leaseId: 'second' }];
    expect(decideCarriage(both, { bytePrice: 1, available: has(1_000n) }).map(({ amount }) => amount)).toEqual([
      800n,
      200n,
    ]);
    expect(decideCarriage([carriage(0, 5, other)], { bytePrice: 1, available: has(1_000n) })).toEqual([]);
    const own = { ...carriage(0, 5, owner), relay: owner! };
    expect(decideCarriage([own], { bytePrice: 1, available: new Map([[owner!, 5n]]) })).toEqual([]);
  });
});
