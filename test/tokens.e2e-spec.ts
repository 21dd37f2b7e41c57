// What a host does with every wrong token, through its real listener: it refuses, stores nothing, and tells the broker.
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PeerLink } from '#peer-link';
import {
  CLOCK_SKEW_MS_MAX,
  type ContentId,
  contentIdOf,
  ERRORS,
  type ErrorCode,
  type ObjectId,
  type PutPermission,
  TOKEN_LIFE_SHORT_MS_MAX,
  uuidV7,
} from '#protocol';
import { type RawShardAnswer, type RawShardRequest, sendRaw } from './raw-request.js';
import { shareWorld } from './shared-world.js';
import { World, type WorldClient, type WorldHost } from './world.js';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const ONE_SHARD = { hosts: 1, dataShards: 1, totalShards: 1, safeShards: 1 };
const policy = { redundancy: [ONE_SHARD], presenceTtlMs: 24 * 60 * MINUTE_MS };

const world = shareWorld({ hosts: 2, policy });
let client: WorldClient;
let thief: WorldClient;
let foreignWorld: World;
beforeAll(async () => {
  client = await world().addClient('client');
  thief = await world().addClient('thief');
  foreignWorld = await World.create({ hosts: 1, policy });
});
afterAll(() => foreignWorld.close());

/** A put that the broker has just allowed: one shard, of these bytes, on a host of its choice. */
interface Permitted {
  readonly bytes: Buffer;
  readonly cid: ContentId;
  readonly objectId: ObjectId;
  readonly permission: PutPermission;
  readonly host: WorldHost;
}

async function permitPut(of: World = world(), who: WorldClient = client): Promise<Permitted> {
  const bytes = randomBytes(50_000);
  const cid = contentIdOf(bytes);
  const objectId = uuidV7<ObjectId>(of.clock.nowMs(), randomBytes(10));
  const shards = [{ index: 0, cid, sizeBytes: bytes.length }];
  const object = { objectId, kind: 'data', sizeBytes: bytes.length, dataShards: 1, totalShards: 1, shards } as const;
  const answer = await of.askBroker(who, (broker) => broker.beginPut({ objects: [{ ...object, shards, avoid: [] }] }));
  const permission = answer.objects[0]!.permissions[0]!;
  return { bytes, cid, objectId, permission, host: of.hostOf(permission.host.peerId) };
}

function putRequest({ cid, permission, bytes }: Permitted): RawShardRequest {
  return { method: 'PUT', cid, token: permission.token, body: bytes };
}

/** A shard that is stored, and told to the broker by the host: what it takes for a get. */
async function storeShard(): Promise<Permitted> {
  const put = await permitPut();
  expect((await sendRaw(put.host, client.home, putRequest(put))).status).toBe(201);
  await world().settle();
  return put;
}

async function permitGet({ objectId }: Permitted): Promise<string> {
  const answer = await world().askBroker(client, (broker) => broker.beginGet({ objects: [{ objectId, avoid: [] }] }));
  return answer.objects[0]!.permissions[0]!.token;
}

async function holdingsOf(host: WorldHost): Promise<unknown> {
  return {
    files: await host.shardFiles(),
    shards: await host.rows('SELECT cid, size_bytes FROM shard ORDER BY cid'),
    refs: await host.rows('SELECT cid, transaction_id FROM shard_ref ORDER BY cid, transaction_id'),
    totals: await host.rows('SELECT shard_count, used_bytes FROM agent_state'),
  };
}

/** How often the broker has heard of this refusal, by this host, of this client. */
async function timesTold(host: WorldHost, who: WorldClient, code: ErrorCode): Promise<number> {
  const rows = await world().brokerRows<{ failures: number }>(
    `SELECT failures FROM peer_failures WHERE host_id = $1 AND client_id = $2 AND code = $3 AND reporter = 'host'`,
    [host.peerId, who.peerId, code],
  );
  return rows.reduce((sum, { failures }) => sum + Number(failures), 0);
}

/** Send it; it must be refused with this code, leave the host as it was, and reach the broker's count. */
async function expectRefusal(
  code: ErrorCode,
  { host, request, as = client }: { host: WorldHost; request: RawShardRequest; as?: WorldClient },
): Promise<RawShardAnswer> {
  const before = await holdingsOf(host);
  const toldBefore = await timesTold(host, as, code);
  const answer = await sendRaw(host, as.home, request);
  expect(answer).toMatchObject({ code, status: ERRORS[code].status, receipt: null });
  expect(await holdingsOf(host)).toEqual(before);
  await world().settle();
  expect(await timesTold(host, as, code)).toBe(toldBefore + 1);
  return answer;
}

describe('a token that is not what the broker sealed for this host', () => {
  it('is refused after any change of one character (B15, B17)', async () => {
    const put = await permitPut();
    const { token } = put.permission;
    const before = await holdingsOf(put.host);
    const toldBefore = await timesTold(put.host, client, 'token_invalid');
    let sent = 0;
    const change = fc.record({ at: fc.nat(token.length - 1), char: fc.constantFrom(...'AZaz09-_.~') });
    await fc.assert(
      fc.asyncProperty(change, async ({ at, char }) => {
        fc.pre(token[at] !== char);
        sent++;
        const changed = `${token.slice(0, at)}${char}${token.slice(at + 1)}`;
        expect((await sendRaw(put.host, client.home, { ...putRequest(put), token: changed })).code).toBe(
          'token_invalid',
        );
      }),
      { numRuns: 40 },
    );
    expect(await holdingsOf(put.host)).toEqual(before);
    await world().settle();
    expect(await timesTold(put.host, client, 'token_invalid')).toBe(toldBefore + sent);
    // None of these attempts spoils the token that they imitate.
    expect((await sendRaw(put.host, client.home, putRequest(put))).status).toBe(201);
  });

  it('is refused when it is cut, lengthened, or too long to be read (B15)', async () => {
    const put = await permitPut();
    const { token } = put.permission;
    for (const wrong of [token.slice(0, -1), token.slice(0, 20), `${token}A`, `${token}=`, token.repeat(9)]) {
      await expectRefusal('token_invalid', { host: put.host, request: { ...putRequest(put), token: wrong } });
    }
  });

  it("is refused when it is another host's (B16)", async () => {
    const put = await permitPut();
    const other = world().hosts.find((host) => host !== put.host)!;
    await expectRefusal('token_invalid', { host: other, request: putRequest(put) });
  });

  it('is refused when another broker sealed it for a host of its own (B16, D1)', async () => {
    const stranger = await foreignWorld.addClient();
    const put = await permitPut(foreignWorld, stranger);
    await expectRefusal('token_invalid', { host: world().hosts[0]!, request: putRequest(put) });
  });
});

describe('an authentic token', () => {
  it('is refused in the hands of another peer, and still works in those of its own (B16, B25)', async () => {
    const put = await permitPut();
    await expectRefusal('token_wrong_client', { host: put.host, request: putRequest(put), as: thief });
    expect((await sendRaw(put.host, client.home, putRequest(put))).status).toBe(201);
  });

  it('is refused for another operation than it names (B12, B13)', async () => {
    const { host, cid, permission } = await permitPut();
    await expectRefusal('token_wrong_op', { host, request: { method: 'GET', cid, token: permission.token } });
    const stored = await storeShard();
    const token = await permitGet(stored);
    await expectRefusal('token_wrong_op', { host: stored.host, request: { ...putRequest(stored), token } });
  });

  it('is refused for other content than it names (B12)', async () => {
    const put = await permitPut();
    const other = randomBytes(put.bytes.length);
    const request = { ...putRequest(put), cid: contentIdOf(other), body: other };
    await expectRefusal('token_wrong_content', { host: put.host, request });
  });

  it("is refused before its time by the host's clock, and taken when the broker has set that right (B16)", async () => {
    const { clock } = world();
    // The broker is ahead of what the host has learned from it by more than the skew that is forgiven.
    clock.setWallMs(clock.nowMs() + CLOCK_SKEW_MS_MAX + MINUTE_MS);
    const put = await permitPut();
    // The report of the refusal is answered with the broker's time.
    await expectRefusal('token_not_yet_valid', { host: put.host, request: putRequest(put) });
    expect((await sendRaw(put.host, client.home, putRequest(put))).status).toBe(201);
    // The other host learns it too, before the tests that follow.
    await world().pass(0);
  });

  it('is refused after its time and the skew, and not before (B16)', async () => {
    const { clock } = world();
    const [early, late] = [await permitPut(), await permitPut()];
    // The broker tells the time in whole seconds; what the loops ask is answered before the clock moves on.
    await world().pass(TOKEN_LIFE_SHORT_MS_MAX + CLOCK_SKEW_MS_MAX - SECOND_MS);
    await world().settle();
    expect((await sendRaw(early.host, client.home, putRequest(early))).status).toBe(201);
    clock.advance(2 * SECOND_MS);
    await expectRefusal('token_expired', { host: late.host, request: putRequest(late) });
  });
});

describe('a put that is not what its token says', () => {
  const wrongBodies: readonly [string, ErrorCode, (put: Permitted) => Partial<RawShardRequest>][] = [
    ['declares more bytes', 'shard_too_long', ({ bytes }) => ({ body: Buffer.concat([bytes, Buffer.alloc(1)]) })],
    [
      'sends more bytes undeclared',
      'shard_too_long',
      ({ bytes }) => ({ body: Buffer.concat([bytes, bytes]), contentLength: null }),
    ],
    ['declares fewer bytes', 'shard_too_short', ({ bytes }) => ({ body: bytes.subarray(1) })],
    ['ends early undeclared', 'shard_too_short', ({ bytes }) => ({ body: bytes.subarray(1), contentLength: null })],
    ['sends other bytes', 'shard_content_mismatch', ({ bytes }) => ({ body: randomBytes(bytes.length) })],
  ];

  it.each(wrongBodies)('%s: %s, and the token has ended (B17)', async (_what, code, change) => {
    const put = await permitPut();
    await expectRefusal(code, { host: put.host, request: { ...putRequest(put), ...change(put) } });
    const told = await world().brokerRows('SELECT host_outcome, receipt_at_ms FROM transactions WHERE id = $1', [
      put.permission.transactionId,
    ]);
    expect(told).toEqual([{ host_outcome: code, receipt_at_ms: null }]);
    await expectRefusal('token_burned', { host: put.host, request: putRequest(put) });
  });
});

describe('the same token again', () => {
  it('moves no byte and gives the first receipt, after a clean restart too (B16)', async () => {
    const put = await permitPut();
    const first = await sendRaw(put.host, client.home, putRequest(put));
    expect(first.status).toBe(201);
    const held = await holdingsOf(put.host);
    const again = await sendRaw(put.host, client.home, putRequest(put));
    expect(again).toMatchObject({ status: 200, receipt: first.receipt });
    await put.host.stop();
    await put.host.start();
    // Other bytes under the used token change nothing either: they are not even read.
    const other = { ...putRequest(put), body: randomBytes(put.bytes.length) };
    expect(await sendRaw(put.host, client.home, other)).toMatchObject({ status: 200, receipt: first.receipt });
    expect(await holdingsOf(put.host)).toEqual(held);
  });

  it('stores once when it is presented many times at once (B16)', async () => {
    const put = await permitPut();
    const answers = await Promise.all(Array.from({ length: 8 }, () => sendRaw(put.host, client.home, putRequest(put))));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    const others = answers.filter(({ status }) => status !== 201);
    for (const { status, code } of others) expect(status === 200 || code === 'token_in_use').toBe(true);
    expect(await put.host.rows('SELECT transaction_id FROM shard_ref WHERE cid = $1', [put.cid])).toHaveLength(1);
  });

  it('serves once (B16)', async () => {
    const stored = await storeShard();
    const request: RawShardRequest = { method: 'GET', cid: stored.cid, token: await permitGet(stored) };
    const first = await sendRaw(stored.host, client.home, request);
    expect(first.status).toBe(200);
    expect(first.body.equals(stored.bytes)).toBe(true);
    const again = await sendRaw(stored.host, client.home, request);
    expect(again).toMatchObject({ status: 409, code: 'token_burned' });
  });
});

describe('a get of a shard that has rotted', () => {
  it('is refused by the host itself, and the broker hears of it (B18)', async () => {
    const stored = await storeShard();
    await stored.host.damage(stored.cid);
    const toldBefore = await timesTold(stored.host, client, 'shard_corrupt');
    const token = await permitGet(stored);
    const answer = await sendRaw(stored.host, client.home, { method: 'GET', cid: stored.cid, token });
    expect(answer).toMatchObject({ status: 422, code: 'shard_corrupt' });
    await world().settle();
    expect(await timesTold(stored.host, client, 'shard_corrupt')).toBe(toldBefore + 1);
  });
});

describe('B6: a host without its broker', () => {
  it('serves by tokens from before, after a clean restart once its home is confirmed, after a crash not (B12, B16)', async () => {
    const stored = await storeShard();
    const [first, second, third] = [await permitGet(stored), await permitGet(stored), await permitGet(stored)];
    await world().broker.kill();
    const link = new PeerLink({ home: client.home, clock: world().clock, log: world().log });
    try {
      const get = (text: string): Promise<{ bytes: Buffer }> =>
        link.getShard({
          host: { peerId: stored.host.peerId, address: '127.0.0.1', port: stored.host.agent.port },
          token: text,
          cid: stored.cid,
          sizeBytes: stored.bytes.length,
        });
      expect((await get(first)).bytes.equals(stored.bytes)).toBe(true);
      await stored.host.stop();
      await stored.host.start({ tellBroker: false });
      // A copy of this home, taken now and started later, would look the same: only the broker can tell.
      await expect(get(second)).rejects.toMatchObject({ code: 'host_unconfirmed' });
      await world().startBroker();
      await stored.host.agent.triggers.presence();
      expect((await get(second)).bytes.equals(stored.bytes)).toBe(true);

      await world().broker.kill();
      await stored.host.kill();
      await stored.host.start({ tellBroker: false });
      await expect(get(third)).rejects.toMatchObject({ code: 'token_predates_restart' });
    } finally {
      await link.close();
      await world().startBroker();
    }
    // What it did without the broker waits, and is told when the broker is there again.
    await world().settle();
    const served = await world().brokerRows(
      `SELECT op FROM transactions WHERE op = 'get' AND host_outcome = 'done' AND cid = $1`,
      [stored.cid],
    );
    expect(served).toHaveLength(2);
  });
});
