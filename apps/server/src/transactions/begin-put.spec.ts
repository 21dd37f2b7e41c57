// Requests to put that share a unit of the database (B11, B19): each is decided as if it had come alone, whatever becomes
// of the others, and what a refused one took of credit and of hosts goes back.
import { randomInt } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { BeginGetAnswer, BeginPutAnswer, ObjectToPut } from '#protocol';
import { Ledger } from '../ledger/ledger.js';
import { TestNetwork } from '../testing/test-network.js';
import { type Answer, beginPut, someObject, someShard, TestPeer } from '../testing/test-peer.js';

const MiB = 1024 * 1024;
const SHARD_BYTES = 100_000;
const OBJECT_BYTES = 3 * SHARD_BYTES;
const CREDIT_BYTES = 14 * OBJECT_BYTES;
// Room for all that a test asks for: an object that is known already is placed as long as a host has any.
const HOST_BYTES = 6_000_000;

let network: TestNetwork;
beforeAll(async () => {
  network = await TestNetwork.create({ policy: { openingCreditBytes: CREDIT_BYTES } });
});
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(() => network.remove());

const object = (changes: Partial<ObjectToPut> = {}): ObjectToPut =>
  someObject(network.fixture, { shards: [0, 1, 2].map((index) => someShard(index, SHARD_BYTES)), ...changes });
const ask = (client: TestPeer, ...objects: ObjectToPut[]): Promise<Answer<BeginPutAnswer>> =>
  client.post<BeginPutAnswer>('/v1/puts', { objects });
const codes = (answers: readonly Answer<unknown>[]): string[] => answers.map(({ code }) => code ?? 'begun');
const copies = <T>(length: number, make: () => T): T[] => Array.from({ length }, make);

/** How many more objects go on the hosts: as many as leave each of them the room that makes it one to choose. */
async function countFitting(): Promise<number> {
  let client = await TestPeer.enrol(network.fixture);
  for (let fitting = 0; ; ) {
    const { code } = await ask(client, object());
    if (code === undefined) fitting++;
    else if (code === 'credit_exceeded') client = await TestPeer.enrol(network.fixture);
    else {
      expect(code).toBe('not_enough_hosts');
      return fitting;
    }
  }
}
const FITTING = Math.floor((HOST_BYTES - MiB) / SHARD_BYTES) + 1;

describe('requests to put that come together', () => {
  it('are allowed as far as the credit of their account goes, and no further', async () => {
    const client = await TestPeer.enrol(network.fixture);
    const answers = await Promise.all(copies(5, () => ask(client, ...copies(4, object))));
    expect(codes(answers).sort()).toEqual(['begun', 'begun', 'begun', 'credit_exceeded', 'credit_exceeded']);
    expect(await client.credit()).toEqual({
      available: CREDIT_BYTES - 12 * OBJECT_BYTES,
      reserved: 12 * OBJECT_BYTES,
      used: 0,
      withheld: 0,
    });
  });

  it('for one object place it anew each time, and each is paid for until it has ended', async () => {
    const client = await TestPeer.enrol(network.fixture);
    const wanted = object();
    const answers = await Promise.all(copies(6, () => ask(client, wanted)));
    expect(codes(answers)).toEqual(copies(6, () => 'begun'));
    expect((await client.credit()).reserved).toBe(6 * OBJECT_BYTES);
  });

  it('put no two shards with one host when a put that was placed anew is done after all', async () => {
    const wanted = object();
    const first = await beginPut(network.client, wanted);
    const hostOf = (index: number) => first.find(({ shard }) => shard.index === index)!.permission.host.peerId;
    const turned = wanted.shards.map((shard) => ({ ...shard, target: hostOf((shard.index + 1) % 3) }));
    const second = await beginPut(network.client, { ...wanted, shards: turned });
    const reports = [...first, ...second].map((put) => network.doneOf(put));
    expect(await network.client.report(reports)).toEqual(reports.map(() => 'recorded'));
    const get = { objects: [{ objectId: wanted.objectId, avoid: [] }] };
    const { body } = await network.client.post<BeginGetAnswer>('/v1/gets', get);
    const places = body.objects[0]!.permissions.map(({ index, host }) => [index, host.peerId]);
    expect(places).toEqual([0, 1, 2].map((index) => [index, hostOf((index + 1) % 3)]));
    expect(await network.fixture.broker.checkLedger()).toEqual([]);
  });

  it('are not written again because one of them lacks the credit', async () => {
    const [poor, rich] = [await TestPeer.enrol(network.fixture), await TestPeer.enrol(network.fixture)];
    const replaced = copies(2, object);
    expect((await ask(poor, ...replaced)).code).toBeUndefined();
    const units = vi.spyOn(Ledger.prototype, 'postNew');
    const answers = await Promise.all([
      ...copies(4, () => ask(rich, object())),
      ...copies(4, () => ask(poor, ...copies(13, object))),
      // The puts that it places anew are set aside for still: one object too many, or all that is left.
      ask(poor, ...replaced, ...copies(11, object)),
      ask(poor, ...replaced, ...copies(10, object)),
      ...copies(4, () => ask(rich, object())),
    ]);
    expect(codes(answers)).toEqual([
      ...copies(4, () => 'begun'),
      ...copies(5, () => 'credit_exceeded'),
      ...copies(5, () => 'begun'),
    ]);
    expect(units.mock.settledResults.map(({ type }) => type)).not.toContain('rejected');
    expect((await poor.credit()).available).toBe(0);
    expect((await rich.credit()).reserved).toBe(8 * OBJECT_BYTES);
  });

  it('leave nothing behind that a refused one took', async () => {
    await network.endAll();
    for (const host of network.hosts) await host.announce(HOST_BYTES);
    const seed = randomInt(2 ** 31);
    console.info(`seed ${seed}`);
    const next = randomFrom(seed);
    const clients = await Promise.all(copies(3, () => TestPeer.enrol(network.fixture)));
    const wanted = clients.map(() => object());
    const known = object();
    expect((await ask(clients[0]!, known)).code).toBeUndefined();
    const answers = await Promise.all(
      copies(40, () => {
        const i = next(clients.length);
        const [client, own] = [clients[i]!, wanted[i]!];
        switch (next(4)) {
          case 0:
            return ask(client, own);
          case 1:
            // More than its account has.
            return ask(client, ...copies(15, object));
          case 2:
            // The first object is placed when the second is refused.
            return ask(client, object(), object({ shards: [{ ...someShard(0), target: client.peerId }] }));
          default:
            // The first object is placed when the second turns out to be another than the broker knows.
            return ask(client, object(), { ...known, sizeBytes: 3 });
        }
      }),
    );
    for (const code of ['begun', 'credit_exceeded', 'target_unavailable', 'object_conflict']) {
      expect(codes(answers)).toContain(code);
    }
    expect(await network.fixture.broker.checkLedger()).toEqual([]);
    let reserved = 0;
    for (const client of clients) reserved += (await client.credit()).reserved;
    expect(await countFitting()).toBe(FITTING - reserved / OBJECT_BYTES);

    await network.endAll();
    for (const host of network.hosts) await host.announce(HOST_BYTES);
    expect(await countFitting()).toBe(FITTING);
    for (const client of clients) expect((await client.credit()).reserved).toBe(0);
  });
});

/** mulberry32: whole numbers below a bound, the same for the same seed. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
