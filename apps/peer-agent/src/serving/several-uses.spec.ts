// Tokens of several uses over real mutual TLS (B13): ranges, universal tokens, budgets over cut-offs and both kinds of end.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ALPN_SHARDS,
  BLOCK_BYTES,
  contentIdOf,
  decodeBase64url,
  decodeReceipt,
  es256Verifier,
  type ReceiptClaims,
  verifyBlockRun,
} from '#protocol';
import {
  AgentFixture,
  CLIENT_ID,
  codeOf,
  pathOf,
  type RawAnswer,
  receiptOf,
  SHARE_BYTES,
} from '../../../../test/agent-fixture.js';
import { corruptShard } from '../../../../test/corrupt-shard.js';
import { peerIdOf } from '../../../../test/peer-fixture.js';

const SHARD = randomBytes(20 * BLOCK_BYTES + 1_234);
const CID = contentIdOf(SHARD);

let host: AgentFixture;

beforeEach(async () => {
  host = await AgentFixture.start();
  await host.put(SHARD);
});

afterEach(async () => {
  await host.stop();
});

const streamToken = (maxBytes = 100 * SHARD.length) => host.token('stream', SHARD, { maxBytes });
const universalToken = (maxBytes: number, maxUses: number) =>
  host.token('universal', SHARD, { items: [], maxBytes, maxUses });

const range = (token: string, header: string): Promise<RawAnswer> =>
  host.send({ path: pathOf(CID), token, headers: { range: header } });

const receiptIn = (text: string | undefined): ReceiptClaims =>
  decodeReceipt(text ?? '', es256Verifier(host.home.certificate().pem));

async function reports(): Promise<{ outcome: string; code?: string; receipt?: string; transactionId?: string }[]> {
  await host.agent.triggers.reports();
  return host.broker.reports as never;
}

async function budget(): Promise<{ uses: number; moved_bytes: number; held_bytes: number }> {
  const rows = await host.read((reads) =>
    reads.query<{ uses: number; moved_bytes: number; held_bytes: number }[]>(
      'SELECT uses, moved_bytes, held_bytes FROM used_token WHERE uses > 0',
    ),
  );
  return rows[0] ?? { uses: 0, moved_bytes: 0, held_bytes: 0 };
}

describe('a range under a stream token', () => {
  const last = SHARD.length - 1;
  it.each([
    ['bytes=0-0', 0, 0],
    ['bytes=0-', 0, last],
    [`bytes=${BLOCK_BYTES - 1}-${BLOCK_BYTES}`, BLOCK_BYTES - 1, BLOCK_BYTES],
    [`bytes=${BLOCK_BYTES}-${2 * BLOCK_BYTES - 1}`, BLOCK_BYTES, 2 * BLOCK_BYTES - 1],
    ['bytes=-1', last, last],
    ['bytes=-70000', SHARD.length - 70_000, last],
    [`bytes=${last}-${last + 100}`, last, last],
    [`bytes=16000-${17 * BLOCK_BYTES + 5}`, 16_000, 17 * BLOCK_BYTES + 5],
    [`bytes=${16 * BLOCK_BYTES}-`, 16 * BLOCK_BYTES, last],
  ])('%s is answered with exactly those bytes', async (header, first, end) => {
    const answer = await range(streamToken(), header);
    expect([answer.status, answer.headers['content-range']]).toEqual([206, `bytes ${first}-${end}/${SHARD.length}`]);
    expect(answer.body.equals(SHARD.subarray(first, end + 1))).toBe(true);
    const receipt = receiptIn(answer.trailers['peerkeep-receipt']);
    expect(receipt).toMatchObject({ op: 'stream', use: 1, items: [{ cid: CID, sizeBytes: end - first + 1 }] });
  });

  it.each([['bytes=0-0,5-6'], ['bytes=5-4'], ['bytes=-0'], ['items=0-1'], [`bytes=${SHARD.length}-`]])(
    '%s is refused with the size, and costs nothing',
    async (header) => {
      const answer = await range(streamToken(1), header);
      expect([answer.status, codeOf(answer)]).toEqual([416, 'range_invalid']);
      expect(answer.headers['content-range']).toBe(`bytes */${SHARD.length}`);
      expect((await budget()).uses).toBe(0);
    },
  );

  it('of whole blocks carries the proof that they are the shard’s, and any other none', async () => {
    const [first, end] = [3, 9];
    const answer = await range(streamToken(), `bytes=${first * BLOCK_BYTES}-${(end + 1) * BLOCK_BYTES - 1}`);
    const proof = String(answer.headers['peerkeep-proof'])
      .split(' ')
      .map((text) => decodeBase64url(text)!);
    const evidence = { cid: CID, sizeBytes: SHARD.length, run: { first, last: end }, data: answer.body, proof };
    expect(verifyBlockRun(evidence)).toBe(true);
    expect((await range(streamToken(), 'bytes=1-')).headers['peerkeep-proof']).toBeUndefined();
  });

  it('is refused under other tokens, and a stream token for anything else', async () => {
    expect(codeOf(await range(host.token('get', SHARD), 'bytes=0-1'))).toBe('token_wrong_op');
    expect(codeOf(await host.get(SHARD, streamToken()))).toBe('token_wrong_op');
    expect(codeOf(await host.put(SHARD, streamToken()))).toBe('token_wrong_op');
    const thief = await host.authority.issue(peerIdOf(9));
    const stolen = { path: pathOf(CID), token: streamToken(), identity: thief, headers: { range: 'bytes=0-1' } };
    expect(codeOf(await host.send(stolen))).toBe('token_wrong_client');
  });

  it('of a shard with a bad block is refused before a byte of that block leaves, and of good blocks is not', async () => {
    await corruptShard(host.home.path, CID, 18 * BLOCK_BYTES);
    const token = streamToken();
    expect(codeOf(await range(token, `bytes=${18 * BLOCK_BYTES + 5}-${18 * BLOCK_BYTES + 6}`))).toBe('shard_corrupt');
    expect((await range(token, 'bytes=0-5')).status).toBe(206);
  });
});

describe('the budget of a stream', () => {
  it('is spent range by range; what passes it is refused, and what fits is served', async () => {
    const token = streamToken(1_000);
    expect((await range(token, 'bytes=0-899')).status).toBe(206);
    const refused = await range(token, 'bytes=0-100');
    expect([refused.status, codeOf(refused)]).toEqual([409, 'token_budget_spent']);
    const answer = await range(token, 'bytes=900-999');
    expect(receiptIn(answer.trailers['peerkeep-receipt'])).toMatchObject({ use: 2, items: [{ sizeBytes: 1_000 }] });
    expect(codeOf(await range(token, 'bytes=0-0'))).toBe('token_budget_spent');
  });

  it('is never passed by parallel uses', async () => {
    const token = streamToken(50_000);
    const answers = await Promise.all(Array.from({ length: 20 }, () => range(token, 'bytes=0-9999')));
    const served = answers.filter(({ status }) => status === 206);
    expect(served).toHaveLength(5);
    const numbers = served.map(({ trailers }) => receiptIn(trailers['peerkeep-receipt']).use);
    expect([...numbers].sort()).toEqual([1, 2, 3, 4, 5]);
    expect(await budget()).toEqual({ uses: 5, moved_bytes: 50_000, held_bytes: 0 });
  });

  it('leaves only its newest report to the broker, with all that has moved', async () => {
    await reports();
    host.broker.reports.length = 0;
    host.broker.isDown = true;
    const token = streamToken();
    for (let i = 0; i < 4; i++) await range(token, 'bytes=0-999');
    host.broker.isDown = false;
    const told = await reports();
    expect(told).toHaveLength(1);
    expect(receiptIn(told[0]!.receipt)).toMatchObject({ use: 4, items: [{ sizeBytes: 4_000, result: 'served' }] });
    expect(await reports()).toHaveLength(1);
  });

  it.each(['stop', 'kill'] as const)('holds over a %s, and the token goes on', async (end) => {
    const token = streamToken(1_000);
    await range(token, 'bytes=0-599');
    await host.agent[end]();
    host.clock.advance(2_000);
    await host.restart();
    await host.outliveStart();
    expect(codeOf(await range(token, 'bytes=0-400'))).toBe('token_budget_spent');
    expect((await range(token, 'bytes=600-999')).status).toBe(206);
    const unknown = streamToken(1_000);
    if (end === 'kill') {
      await host.agent.kill();
      host.clock.advance(2_000);
      await host.restart();
      await host.outliveStart();
      expect(codeOf(await range(unknown, 'bytes=0-1'))).toBe('token_predates_restart');
    }
  });

  it('counts what went out before a cut-off, and the token resumes as often as it lasts', async () => {
    const large = randomBytes(8_000_000);
    await host.put(large);
    const claims = host.claims('stream', large, { maxBytes: 3 * large.length });
    const token = host.seal(claims);
    let got = 0;
    for (let cut = 1; cut <= 6; cut++) {
      got += await cutOffAfter(token, contentIdOf(large), 100_000);
      await untilReleased(cut);
      const { moved_bytes: moved } = await budget();
      expect(moved).toBeGreaterThanOrEqual(got);
      expect(moved).toBeLessThan(3 * large.length);
    }
    const answer = await host.send({ path: pathOf(contentIdOf(large)), token, headers: { range: 'bytes=0-9' } });
    expect(receiptIn(answer.trailers['peerkeep-receipt'])).toMatchObject({ use: 7 });
    expect((await reports()).filter(({ outcome }) => outcome === 'failed')).toEqual([]);
  });

  /** Begin to take the shard, and go; returns how many bytes came. */
  async function cutOffAfter(token: string, cid: ReturnType<typeof contentIdOf>, bytes: number): Promise<number> {
    const socket = connect({
      ca: host.authority.caPem,
      cert: host.client.certificatePem,
      key: host.client.privateKeyPem,
      ALPNProtocols: [ALPN_SHARDS],
      checkServerIdentity: () => undefined,
      port: host.agent.port,
    });
    socket.write(
      `GET ${pathOf(cid)} HTTP/1.1\r\nHost: x\r\nRange: bytes=0-\r\nAuthorization: Peerkeep ${token}\r\n\r\n`,
    );
    let came = 0;
    while (came < bytes) came += ((await once(socket, 'data')) as [Buffer])[0].length;
    socket.destroy();
    // Heads of the answer and of its chunks came too.
    return came - 2_000;
  }

  async function untilReleased(uses: number): Promise<void> {
    for (;;) {
      const row = await budget();
      if (row.uses === uses && row.held_bytes === 0) return;
    }
  }
});

describe('a universal token', () => {
  it('counts bytes by where they went, whatever its uses are', async () => {
    await host.agent.stop();
    host.metrics = { host: '127.0.0.1', port: 0 };
    await host.restart();
    await host.outliveStart();
    const moved = async (): Promise<number[]> => {
      const answer = await fetch(`http://127.0.0.1:${host.agent.metricsPort}/metrics`);
      const text = await answer.text();
      return ['received', 'sent'].map((way) => Number(new RegExp(`agent_${way}_bytes_total (\\d+)`).exec(text)![1]));
    };
    const other = randomBytes(50_000);
    const token = universalToken(1_000_000, 10);
    expect((await host.put(other, token)).status).toBe(201);
    expect(await moved()).toEqual([50_000, 0]);
    expect((await host.get(other, token)).status).toBe(200);
    expect(await moved()).toEqual([50_000, 50_000]);
    const gone = host.token('delete', other);
    expect((await host.send({ method: 'DELETE', path: pathOf(contentIdOf(other)), token: gone })).status).toBe(200);
    expect(await moved()).toEqual([50_000, 50_000]);
  });

  const other = randomBytes(50_000);

  it('puts, gets and streams any shard, a use and a receipt for each', async () => {
    const token = universalToken(1_000_000, 10);
    const put = await host.put(other, token);
    expect(put.status).toBe(201);
    const get = await host.get(other, token);
    expect(get.body.equals(other)).toBe(true);
    const part = await range(token, 'bytes=5-9');
    expect(part.body.equals(SHARD.subarray(5, 10))).toBe(true);
    const receipts = [receiptOf(put), get.trailers['peerkeep-receipt'], part.trailers['peerkeep-receipt']].map(
      receiptIn,
    );
    const cid = contentIdOf(other);
    expect(receipts).toMatchObject([
      { op: 'put', use: 1, clientId: CLIENT_ID, items: [{ cid, sizeBytes: 50_000, result: 'stored' }] },
      { op: 'get', use: 2, items: [{ cid, sizeBytes: 50_000, result: 'served' }] },
      { op: 'stream', use: 3, items: [{ cid: CID, sizeBytes: 5, result: 'served' }] },
    ]);
    expect(await reports()).toHaveLength(4);
    expect(await budget()).toEqual({ uses: 3, moved_bytes: 100_005, held_bytes: 0 });
  });

  it('never deletes, nor does what the broker does, nor a batch', async () => {
    const token = universalToken(1_000_000, 10);
    for (const [method, path] of [
      ['POST', `/audits/${CID}`],
      ['GET', '/probe'],
    ] as const) {
      expect(codeOf(await host.send({ method, path, token }))).toBe('token_wrong_op');
    }
    const deleting = await host.send({ method: 'DELETE', path: pathOf(CID), token });
    expect(['token_wrong_op', 'route_unknown']).toContain(codeOf(deleting));
    expect((await host.get(SHARD)).status).toBe(200);
    expect((await budget()).uses).toBe(0);
  });

  it('ends with its uses and with its bytes', async () => {
    const twice = universalToken(1_000_000, 2);
    await host.put(other, twice);
    await host.get(other, twice);
    expect(codeOf(await host.get(other, twice))).toBe('token_budget_spent');
    const small = universalToken(other.length - 1, 10);
    expect(codeOf(await host.put(other, small))).toBe('token_budget_spent');
    expect(codeOf(await host.get(other, small))).toBe('token_budget_spent');
  });

  it('needs a declared length to put, within the bound of a shard', async () => {
    const token = universalToken(1_000_000, 10);
    expect(codeOf(await host.put(other, token, { contentLength: null }))).toBe('request_invalid');
    const huge = { body: new Uint8Array(), contentLength: 2 ** 40 };
    expect(codeOf(await host.put(other, token, huge))).toBe('shard_too_long');
    expect(codeOf(await host.put(other, token, { body: new Uint8Array(), contentLength: 0 }))).toBe('shard_too_short');
    expect((await budget()).uses).toBe(0);
  });

  it('goes on after a put of other bytes, which stores nothing and which the broker hears of (B17)', async () => {
    const token = universalToken(1_000_000, 10);
    const wrong = await host.put(other, token, { body: randomBytes(other.length) });
    expect([wrong.status, codeOf(wrong)]).toEqual([422, 'shard_content_mismatch']);
    expect(codeOf(await host.get(other, token))).toBe('shard_unknown');
    expect((await host.put(other, token)).status).toBe(201);
    const told = await reports();
    expect(told.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
    expect(told).toContainEqual(expect.objectContaining({ outcome: 'refused', code: 'shard_content_mismatch' }));
    expect(told).toContainEqual(expect.objectContaining({ outcome: 'refused', code: 'shard_unknown' }));
  });

  it('a put under it that is cut off spends a use and no bytes', async () => {
    const token = universalToken(SHARE_BYTES, 10);
    const socket = connect({
      ca: host.authority.caPem,
      cert: host.client.certificatePem,
      key: host.client.privateKeyPem,
      ALPNProtocols: [ALPN_SHARDS],
      checkServerIdentity: () => undefined,
      port: host.agent.port,
    });
    socket.write(
      `PUT ${pathOf(contentIdOf(other))} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nAuthorization: Peerkeep ${token}\r\nContent-Length: ${other.length}\r\n\r\n`,
    );
    await once(socket, 'data');
    expect(await budget()).toEqual({ uses: 1, moved_bytes: 0, held_bytes: other.length });
    socket.write(other.subarray(0, 20_000), () => socket.destroy());
    while ((await budget()).held_bytes > 0);
    expect(await budget()).toEqual({ uses: 1, moved_bytes: 0, held_bytes: 0 });
  });
});
