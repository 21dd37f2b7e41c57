// The nine outcomes of a put (B19, B25): {honest, lying, silent} client and host, in either order of their words, with the
// broker killed and started again at every step and everything said once more after it. SPEC §5.2 has the rules.
//
// An honest client says what happened. A lying one denies a put that happened, and forges a receipt of one that did not.
// An honest host stores and reports its receipt. A lying one signs a receipt for bytes that never came. A silent one
// stores and answers its client, and says nothing to the broker.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type BeginGetAnswer,
  decodeBase64url,
  encodeBase64url,
  encodeHex,
  formatTime,
  type ObjectToPut,
  type TransactionId,
  uuidV7,
} from '#protocol';
import { TestNetwork } from '../testing/test-network.js';
import { beginPut, type Put, someObject } from '../testing/test-peer.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** A token's life and the time for the first reports. */
const OPEN_MS = 25 * MINUTE_MS;
const REPORT_WINDOW_MS = 2 * HOUR_MS;
const SHARD_BYTES = 1_000;
/** One of two, at 1.5 bytes for one. */
const CHARGE = 750;

type Conduct = 'honest' | 'lying' | 'silent';
type End = 'client' | 'host';

/** Where the credit of the shard is at the end (paid: used for what is stored), and whether the broker counts the shard as stored. */
interface Outcome {
  readonly credit: 'paid' | 'back' | 'aside';
  readonly stored: boolean;
}
const PAID: Outcome = { credit: 'paid', stored: true };
const BACK: Outcome = { credit: 'back', stored: false };
const ASIDE: Outcome = { credit: 'aside', stored: true };

interface Cell {
  readonly client: Conduct;
  readonly host: Conduct;
  /** Whoever speaks first. */
  readonly outcome: Outcome;
}
const cell = (client: Conduct, host: Conduct, outcome: Outcome): Cell => ({ client, host, outcome });

const MATRIX: readonly Cell[] = [
  cell('honest', 'honest', PAID),
  cell('honest', 'lying', ASIDE),
  cell('honest', 'silent', PAID),
  cell('lying', 'honest', ASIDE),
  cell('lying', 'lying', ASIDE),
  cell('lying', 'silent', BACK),
  cell('silent', 'honest', ASIDE),
  cell('silent', 'lying', ASIDE),
  cell('silent', 'silent', BACK),
];

let network: TestNetwork;
beforeAll(async () => {
  network = await TestNetwork.create({ hosts: 2, policy: { reportWindowMs: REPORT_WINDOW_MS } });
});
afterAll(() => network.remove());

/** What this end says, in order, and what it is answered. */
function wordsOf(end: End, { client, host }: Cell, put: Put): { report: object; answer: string }[] {
  const happened = host !== 'lying';
  const receipt = network.doneOf(put);
  const denial = { report: network.failed(put.permission.transactionId), answer: 'recorded' };
  const proof = { report: receipt, answer: 'recorded' };
  if (end === 'host') return host === 'silent' ? [] : [proof];
  if (client === 'silent') return [];
  if (client === 'honest') return [happened ? proof : denial];
  if (happened) return [denial];
  const other = network.hosts.find(({ peerId }) => peerId !== put.permission.host.peerId)!;
  const { cid, sizeBytes } = put.shard;
  const items = [{ cid, sizeBytes, result: 'stored' }];
  const hostId = put.permission.host.peerId;
  const forged = network.receipt(other, { transactionId: put.permission.transactionId, op: 'put', items, hostId });
  return [{ report: { ...receipt, receipt: forged }, answer: 'receipt_invalid' }];
}

async function outcomeOf(objectId: string, put: Put, before: { client: Credit; host: Credit }): Promise<Outcome> {
  const client = await network.client.credit();
  const host = await network.host(put.permission.host.peerId).credit();
  const spent = before.client.available - client.available;
  const aside = client.reserved - before.client.reserved;
  const used = client.used - before.client.used;
  const credit = spent === 0 ? 'back' : used === spent ? 'paid' : 'aside';
  expect([spent, aside, used]).toEqual(
    { back: [0, 0, 0], paid: [CHARGE, 0, CHARGE], aside: [CHARGE, CHARGE, 0] }[credit],
  );
  // What hosts earn, they earn by what they prove.
  expect(host).toEqual(before.host);
  const get = await network.client.post<BeginGetAnswer>('/v1/gets', {
    objects: [{ objectId, avoid: [] }],
  });
  return { credit, stored: get.body.objects[0]!.permissions.some(({ index }) => index === put.shard.index) };
}

type Credit = Awaited<ReturnType<typeof network.client.credit>>;

async function crash(): Promise<void> {
  await network.fixture.broker.kill();
  await network.fixture.startAgain();
}

/** One put of one cell, with a crash before the first word and after each, or nowhere. */
async function play(one: Cell, order: readonly End[], crashing: boolean): Promise<Outcome> {
  for (const host of network.hosts) await host.announce();
  const object = someObject(network.fixture, {
    dataShards: 1,
    totalShards: 2,
    sizeBytes: SHARD_BYTES,
    shards: someObject(network.fixture).shards.slice(0, 2),
  });
  const [left, put] = await beginPut(network.client, object);
  const elsewhere = network.host(left!.permission.host.peerId);
  await elsewhere.report([network.failed(left!.permission.transactionId)]);
  const host = network.host(put!.permission.host.peerId);
  const begun = await network.client.credit();
  const before = {
    client: { ...begun, available: begun.available + CHARGE, reserved: begun.reserved - CHARGE },
    host: await host.credit(),
  };
  const said: { end: End; report: object; answer: string }[] = [];
  const say = async ({ end, report, answer }: (typeof said)[number]): Promise<void> => {
    expect(await (end === 'client' ? network.client : host).report([report])).toEqual([answer]);
  };
  if (crashing) await crash();
  for (const end of order) {
    for (const words of wordsOf(end, one, put!)) {
      said.push({ end, ...words });
      await say(said.at(-1)!);
      if (crashing) {
        // The answers were lost: each end says again all that it has said.
        await crash();
        for (const word of said) await say(word);
      }
    }
  }
  await network.endAll(OPEN_MS + 1);
  if (crashing) {
    await crash();
    for (const word of said) await say(word);
    await network.fixture.broker.endExpiredNow();
  }
  return outcomeOf(object.objectId, put!, before);
}

describe.each([
  ['never crashes', false],
  ['crashes at every step', true],
] as const)('a put whose broker %s', (_, crashing) => {
  it.each(MATRIX)('$client client, $host host', async (one) => {
    expect(await play(one, ['client', 'host'], crashing)).toEqual(one.outcome);
    expect(await play(one, ['host', 'client'], crashing)).toEqual(one.outcome);
    expect(await network.fixture.broker.checkLedger()).toEqual([]);
  });
});

describe('a put that its client wants no more', () => {
  const LOCKED_MS = 360 * 24 * HOUR_MS;
  const giveUp: readonly [string, (object: ObjectToPut, puts: readonly Put[]) => Promise<unknown>][] = [
    ['denies', (_, puts) => network.client.report(puts.map((put) => network.failed(put.permission.transactionId)))],
    ['deletes', ({ objectId }) => network.client.post('/v1/deletes', { objectIds: [objectId] })],
    ['places anew', (object) => network.client.post('/v1/puts', { objects: [object] })],
  ];
  const begin = async (): Promise<{ object: ObjectToPut; puts: Put[] }> => {
    for (const host of network.hosts) await host.announce();
    const object = someObject(network.fixture, {
      dataShards: 1,
      totalShards: 2,
      sizeBytes: SHARD_BYTES,
      shards: someObject(network.fixture).shards.slice(0, 2),
      retainUntil: formatTime(network.nowMs + LOCKED_MS),
    });
    return { object, puts: await beginPut(network.client, object) };
  };

  it.each(giveUp)('%s: its token is good, so the bytes are not to be had for nothing', async (_, wantNoMore) => {
    const before = await network.client.credit();
    const { object, puts } = await begin();
    await wantNoMore(object, puts);
    for (const put of puts) {
      const host = network.host(put.permission.host.peerId);
      expect(network.read(put.permission.token, host, { op: 'put', cid: put.shard.cid }).op).toBe('put');
      expect(await host.report([network.doneOf(put)])).toEqual(['recorded']);
    }
    await network.endAll(OPEN_MS + 1);
    const charges = puts.length * CHARGE;
    const after = { ...before, available: before.available - charges, reserved: before.reserved + charges };
    expect(await network.client.credit()).toEqual(after);
    expect(await network.fixture.broker.checkLedger()).toEqual([]);
  });

  it.each(giveUp)('%s: what comes to nothing is given back at its end, not before', async (_, wantNoMore) => {
    const before = await network.client.credit();
    const { object, puts } = await begin();
    await wantNoMore(object, puts);
    await wantNoMore(object, puts);
    expect((await network.client.credit()).available).toBeLessThanOrEqual(before.available - puts.length * CHARGE);
    await network.endAll(OPEN_MS + 1);
    expect(await network.client.credit()).toEqual(before);
    expect(await network.fixture.broker.checkLedger()).toEqual([]);
  });

  it('is given back at once when its host says that it failed: the token is burned', async () => {
    const before = await network.client.credit();
    const { puts } = await begin();
    for (const put of puts) {
      const failed = network.failed(put.permission.transactionId, 'shard_corrupt');
      const host = network.host(put.permission.host.peerId);
      for (let i = 0; i < 2; i++) expect(await host.report([failed])).toEqual(['recorded']);
    }
    expect(await network.client.credit()).toEqual(before);
  });
});

describe('reports', () => {
  const begin = async (): Promise<Put> => {
    for (const host of network.hosts) await host.announce();
    const shards = someObject(network.fixture).shards.slice(0, 2);
    const object = someObject(network.fixture, { dataShards: 1, totalShards: 2, sizeBytes: SHARD_BYTES, shards });
    return (await beginPut(network.client, object))[0]!;
  };

  it('are taken late, and not when their time is over: what ended stays as it is', async () => {
    // What others began has ended and has been summed up.
    for (const afterMs of [OPEN_MS + 1, 27 * HOUR_MS]) await network.endAll(afterMs);
    const inTime = await begin();
    const tooLate = await begin();
    const before = await network.client.credit();
    network.fixture.clock.advance(OPEN_MS + REPORT_WINDOW_MS - 1);
    await network.fixture.broker.endExpiredNow();
    expect(await network.client.report([network.doneOf(inTime)])).toEqual(['recorded']);
    network.fixture.clock.advance(1);
    // At once; and when it has been summed up, so that nothing is known of it any more.
    for (const pauseMs of [0, 27 * HOUR_MS]) {
      network.fixture.clock.advance(pauseMs);
      await network.fixture.broker.endExpiredNow();
      expect(await network.client.report([network.doneOf(tooLate)])).toEqual(['report_too_late']);
      expect(await network.host(tooLate.permission.host.peerId).report([network.doneOf(tooLate)])).toEqual([
        'report_too_late',
      ]);
      const failed = network.failed(inTime.permission.transactionId);
      expect(await network.client.report([failed])).toEqual(['report_too_late']);
    }
    const after = await network.client.credit();
    // Of two puts of two shards, the one that was confirmed in time is paid.
    expect(after).toEqual({
      ...before,
      available: before.available + 3 * CHARGE,
      reserved: before.reserved - 4 * CHARGE,
      used: before.used + CHARGE,
    });
    expect(await network.fixture.broker.checkLedger()).toEqual([]);
  });

  it('pay once for a receipt whose signature stands in its other form', async () => {
    const put = await begin();
    const host = network.host(put.permission.host.peerId);
    const { used } = await network.client.credit();
    const report = network.doneOf(put);
    const malleated = { ...report, receipt: otherForm(report.receipt) };
    expect(malleated.receipt).not.toBe(report.receipt);
    expect(await network.client.report([report, malleated])).toEqual(['recorded', 'recorded']);
    expect(await host.report([malleated, report])).toEqual(['recorded', 'recorded']);
    expect((await network.client.credit()).used).toBe(used + CHARGE);
  });

  it('earn nothing for a transaction that the host made up itself, with client and all (trap 9)', async () => {
    const put = await begin();
    const [host] = network.hosts;
    const before = [await network.client.credit(), await host!.credit()];
    const { cid, sizeBytes } = put.shard;
    const items = [{ cid, sizeBytes, result: 'stored' }];
    const minted = network.done(host!, uuidV7<TransactionId>(network.nowMs, randomBytes(10)), 'put', items);
    expect(await host!.report([minted])).toEqual(['transaction_unknown']);
    expect(await network.client.report([minted])).toEqual(['transaction_unknown']);
    expect([await network.client.credit(), await host!.credit()]).toEqual(before);
  });
});

/** The same receipt with (r, n - s) for (r, s): ECDSA takes both. */
function otherForm(receipt: string): string {
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const [header, payload, signature] = receipt.split('.');
  const bytes = decodeBase64url(signature!)!;
  const s = BigInt(`0x${encodeHex(bytes.subarray(32))}`);
  const other = (order - s).toString(16).padStart(64, '0');
  const text = encodeBase64url(Buffer.concat([bytes.subarray(0, 32), Buffer.from(other, 'hex')]));
  return `${header}.${payload}.${text}`;
}
