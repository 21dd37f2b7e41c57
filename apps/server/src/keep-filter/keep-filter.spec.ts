// What the broker tells hosts to keep (B18, SPEC §8.4): all that it knows of them, whatever happens while it is told.

import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeMany, type Database, openDatabase } from '#database';
import { brokerMigrations } from '#migrations/broker/index';
import {
  type BloomFilter,
  type ContentId,
  type KeepFilterAnswer,
  nodeSuite,
  type PeerId,
  readKeepPart,
} from '#protocol';
import { LOST_PLACES_KEPT_MS } from '../limits.js';
import { brokerEntities } from '../platform/entities.js';
import { TestNetwork } from '../testing/test-network.js';
import { beginPut, type Put, someObject, type TestPeer } from '../testing/test-peer.js';
import { KeepFilterRates } from './keep-filter-rates.js';
import { knownContents } from './known-contents.js';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Tokens have ended, and late reports still count. */
const TOKENS_END_MS = 2 * MINUTE_MS;
/** What ended is summed up and forgotten. */
const PAST_MS = DAY_MS + 70 * MINUTE_MS;
let network: TestNetwork;
let database: Database;

beforeAll(async () => {
  network = await TestNetwork.create({
    hosts: 4,
    policy: {
      redundancy: [{ hosts: 3, dataShards: 2, totalShards: 3, safeShards: 2 }],
      openingCreditBytes: 1e12,
      tokenLifeMs: MINUTE_MS,
      reportGraceMs: 0,
      reportWindowMs: 60 * MINUTE_MS,
      keepFilter: { perHostPerDay: 1_000 },
    },
  });
  const file = join(network.fixture.dataDir, 'broker.db');
  database = await openDatabase({ file, entities: brokerEntities, migrations: brokerMigrations });
});
afterAll(async () => {
  await database.close();
  await network.remove();
});

async function filterOf(host: TestPeer): Promise<BloomFilter> {
  const { body, status } = await host.post<KeepFilterAnswer>('/v1/keep-filter', { part: 0 });
  expect(status).toBe(200);
  return readKeepPart(nodeSuite, body, { part: 0, parts: 1 }).filter;
}
const hostOf = (put: Put): TestPeer => network.host(put.permission.host.peerId);
const isKept = async (put: Put): Promise<boolean> => (await filterOf(hostOf(put))).has(put.shard.cid);
const lose = (put: Put) => hostOf(put).post('/v1/losses', { cids: [put.shard.cid] });

describe('a keep-filter', () => {
  it('has puts from their permission on, and stored shards', async () => {
    const [put] = (await beginPut(network.client, someObject(network.fixture))) as [Put];
    expect(await isKept(put)).toBe(true);
    await hostOf(put).report([network.doneOf(put)]);
    expect(await isKept(put)).toBe(true);
    await network.client.report([network.doneOf(put)]);
    expect(await isKept(put)).toBe(true);
  });

  it('has what a host signed for and its client never confirmed, and what came to nothing, until that is past', async () => {
    const object = someObject(network.fixture);
    const [silent, failed] = (await beginPut(network.client, object)) as [Put, Put];
    await hostOf(silent).report([network.doneOf(silent)]);
    await network.endAll(TOKENS_END_MS);
    expect(await isKept(silent)).toBe(true);
    expect(await isKept(failed)).toBe(true);
    await network.endAll(PAST_MS);
    expect(await isKept(silent)).toBe(true);
    expect(await isKept(failed)).toBe(false);
  });

  it('has of a shard that moves both places, and when it has moved the new one alone', async () => {
    const { object, puts } = await network.store();
    const [old] = puts as [Put];
    const [shard] = object.shards;
    const insteadOf = hostOf(old).peerId;
    const [move] = (await beginPut(network.client, { ...object, shards: [{ ...shard!, insteadOf }] })) as [Put];
    expect([await isKept(old), await isKept(move)]).toEqual([true, true]);
    await hostOf(move).report([network.doneOf(move)]);
    await network.client.report([network.doneOf(move)]);
    expect([await isKept(old), await isKept(move)]).toEqual([false, true]);
  });

  it('has for a while what a host seems to have lost', async () => {
    const { puts } = await network.store();
    const [put] = puts as [Put];
    await lose(put);
    expect(await isKept(put)).toBe(true);
    await database.writes.run((db) =>
      changeMany(db, 'UPDATE lost_places SET at_ms = at_ms - $1', [LOST_PLACES_KEPT_MS]),
    );
    network.fixture.clock.advance(1);
    const { puts: later } = await network.store();
    await lose(later[0]!);
    expect([await isKept(put), await isKept(later[0]!)]).toEqual([false, true]);
  });

  it('has the shards of deleted objects until their hosts have deleted them', async () => {
    const { object, puts } = await network.store();
    await network.client.post('/v1/deletes', { objectIds: [object.objectId] });
    expect(await isKept(puts[0]!)).toBe(true);
  });

  it('has nothing of other hosts, and says what it has', async () => {
    const { puts } = await network.store();
    const [put] = puts as [Put];
    const others = network.hosts.filter(({ peerId }) => peerId !== hostOf(put).peerId);
    for (const host of others) expect((await filterOf(host)).has(put.shard.cid)).toBe(false);
    const { body } = await network.client.post<KeepFilterAnswer>('/v1/keep-filter', { part: 0 });
    expect(body).toMatchObject({ part: 0, parts: 1, cids: 0 });
  });

  it('is told in parts, each of what begins with its characters', async () => {
    const { puts } = await network.store();
    const [put] = puts as [Put];
    for (let part = 0; part < 64; part++) {
      const { body } = await hostOf(put).post<KeepFilterAnswer>('/v1/keep-filter', { part, parts: 64 });
      const { filter } = readKeepPart(nodeSuite, body, { part, parts: 64 });
      const isOwn = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'[part] === put.shard.cid[0];
      expect(filter.has(put.shard.cid)).toBe(isOwn);
    }
    for (const asked of [{ part: 1 }, { part: 64, parts: 64 }, { part: 0, parts: 2 }]) {
      expect((await hostOf(put).post('/v1/keep-filter', asked)).code).toBe('request_invalid');
    }
  });

  it('never goes back in time or revision', async () => {
    const [host] = network.hosts as [TestPeer];
    const { body: first } = await host.post<KeepFilterAnswer>('/v1/keep-filter', { part: 0 });
    await network.store();
    const { body: second } = await host.post<KeepFilterAnswer>('/v1/keep-filter', { part: 0 });
    expect(second.revision).toBeGreaterThan(first.revision);
    expect(second.at >= first.at).toBe(true);
    expect(second.seed).not.toBe(first.seed);
  });
});

describe('the rate', () => {
  const [host, other] = ['a', 'b'] as unknown as [PeerId, PeerId];
  const ask = (rates: KeepFilterRates, by: PeerId, part: number, nowMs = 0): (() => void) => {
    return () => rates.count(by, { part, parts: 64 }, 2, nowMs);
  };

  it('is so many filters a day, each with all of its parts', () => {
    const rates = new KeepFilterRates();
    for (let filter = 0; filter < 2; filter++) for (let part = 0; part < 64; part++) ask(rates, host, part)();
    const refused = expect.objectContaining({ code: 'rate_exceeded' });
    expect(ask(rates, host, 0)).toThrow(refused);
    expect(ask(rates, host, 1)).toThrow(refused);
    expect(ask(rates, other, 0)).not.toThrow();
    expect(ask(rates, host, 0, DAY_MS)).not.toThrow();
  });
});

describe('while others write (B18)', () => {
  /** What a person or a machine does between two reads: one of these, with one of the puts so far. */
  type Act = (put: Put, puts: Put[]) => Promise<unknown>;
  const acts: Readonly<Record<string, Act>> = {
    begin: async (_, puts) => puts.push(...(await beginPut(network.client, someObject(network.fixture)))),
    hostSays: async (put) => hostOf(put).report([network.doneOf(put)]),
    clientSays: (put) => network.client.report([network.doneOf(put)]),
    bothSay: async (put) => {
      await hostOf(put).report([network.doneOf(put)]);
      await network.client.report([network.doneOf(put)]);
    },
    hostFails: (put) => hostOf(put).report([network.failed(put.permission.transactionId, 'host_full')]),
    clientFails: (put) => network.client.report([network.failed(put.permission.transactionId)]),
    hostLoses: (put) => lose(put),
    tokensEnd: async () => network.endAll(TOKENS_END_MS),
  };

  it('everything that was permitted before, and is there afterwards, is in what was read', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(...Object.keys(acts)), fc.nat(1_000)), { minLength: 4, maxLength: 10 }),
        fc.array(fc.array(fc.tuple(fc.constantFrom(...Object.keys(acts)), fc.nat(1_000)), { maxLength: 3 }), {
          minLength: 5,
          maxLength: 5,
        }),
        async (before, between) => {
          const puts: Put[] = await beginPut(network.client, someObject(network.fixture));
          const act = async ([name, i]: [string, number]): Promise<void> => {
            await acts[name]!(puts[i % puts.length]!, puts);
          };
          for (const one of before) await act(one);
          const permitted = puts.length;
          const readings = network.hosts.map(({ peerId: hostId }) => ({
            hostId,
            pages: knownContents(database.reads, { hostId, prefix: '' }),
            found: new Set<ContentId>(),
          }));
          for (const some of between) {
            for (const { pages, found } of readings) {
              const page = await pages.next();
              if (page.done !== true) for (const cid of page.value) found.add(cid);
            }
            for (const one of some) await act(one);
          }
          for (const { pages } of readings) expect((await pages.next()).done).toBe(true);
          const there = await database.reads.query<{ host_id: PeerId; cid: ContentId }[]>(
            `SELECT host_id, cid FROM shards WHERE host_id IS NOT NULL`,
          );
          const old = new Set(puts.slice(0, permitted).map(({ shard }) => shard.cid));
          const missed = there.filter(
            ({ host_id: hostId, cid }) => old.has(cid) && !readings.find((r) => r.hostId === hostId)!.found.has(cid),
          );
          expect(missed).toEqual([]);
        },
      ),
      { numRuns: 15, examples: [[[['hostFails', 0]], [[['bothSay', 0]], [], [], [], []]]] },
    );
  });
});
