// Batches (B13) over real mutual TLS: one token for many items, each stored once and named in one receipt, whatever breaks.
import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { contentIdBytes, contentIdOf, decodeReceipt, encodeHex, es256Verifier, TOKEN_RELEASES_MAX } from '#protocol';
import { AgentFixture, codeOf, HOST_ID, type RawAnswer, receiptOf } from '../../../../test/agent-fixture.js';
import {
  batchBody,
  batchClaims,
  cutGet,
  cutPut,
  finishBatch,
  positionOf,
  readGetBatch,
  sendBatch,
  stallPut,
} from '../../../../test/batch-fixture.js';
import { peerIdOf } from '../../../../test/peer-fixture.js';

let host: AgentFixture;

beforeEach(async () => {
  host = await AgentFixture.start();
});

afterEach(() => host.stop());

const shardsOf = (...sizes: number[]): Buffer[] => sizes.map((size) => randomBytes(size));
const putToken = (shards: readonly Uint8Array[]): string => host.seal(batchClaims(host, 'put', shards));
const getToken = (shards: readonly Uint8Array[]): string => host.seal(batchClaims(host, 'get', shards));

function resultsOf(receipt: string): string[] {
  return decodeReceipt(receipt, es256Verifier(host.home.certificate().pem)).items.map(({ result }) => result);
}

async function reported(): Promise<unknown[]> {
  await host.agent.triggers.reports();
  return host.broker.reports;
}

async function held(): Promise<{ shards: number; usedBytes: number; rows: number; files: number; items: number }> {
  const found = await readdir(join(host.home.path, 'shards'), { recursive: true });
  return host.read(async (reads) => {
    const [state] = await reads.query<Record<string, number>[]>('SELECT * FROM agent_state');
    const [rows] = await reads.query<{ count: number }[]>('SELECT count(*) AS count FROM shard');
    const [items] = await reads.query<{ count: number }[]>('SELECT count(*) AS count FROM batch_item');
    return {
      shards: state!.shard_count!,
      usedBytes: state!.used_bytes!,
      rows: rows!.count,
      files: found.filter((name) => /^[0-9a-f]{2}\/./.test(name)).length,
      items: items!.count,
    };
  });
}

const sum = (shards: readonly Uint8Array[]): number => shards.reduce((total, { length }) => total + length, 0);
const holding = (shards: readonly Uint8Array[]) => {
  const { length } = shards;
  return { shards: length, usedBytes: sum(shards), rows: length, files: length, items: 0 };
};

/** Large buffers are compared by their content ids. */
const nameOf = (item: Buffer | string): string => (typeof item === 'string' ? item : contentIdOf(item));

async function damage(bytes: Uint8Array): Promise<void> {
  const name = encodeHex(contentIdBytes(contentIdOf(bytes)));
  const file = join(host.home.path, 'shards', name.slice(0, 2), name);
  const content = await readFile(file);
  content[Math.floor(bytes.length / 2)]! ^= 1;
  await writeFile(file, content);
}

describe('a put batch', () => {
  it.each([[1], [2], [1_024]])(
    'of %i items stores each of them, under one receipt and one report',
    async (count) => {
      const shards = Array.from({ length: count }, (_, i) => Buffer.from(`shard ${i} of ${count}`));
      const claims = batchClaims(host, 'put', shards);
      const token = host.seal(claims);
      const answer = await sendBatch(host, token, { shards });
      expect(answer.status).toBe(201);
      const receipt = decodeReceipt(receiptOf(answer), es256Verifier(host.home.certificate().pem));
      expect(receipt).toMatchObject({ op: 'put', hostId: HOST_ID, transactionId: claims.transactionId });
      expect(receipt.items).toEqual(claims.items.map((item) => ({ ...item, result: 'stored' })));
      expect(await held()).toEqual(holding(shards));
      expect(await reported()).toEqual([
        { outcome: 'done', transactionId: claims.transactionId, receipt: receiptOf(answer) },
      ]);

      const again = await sendBatch(host, token, { shards });
      expect([again.status, receiptOf(again)]).toEqual([200, receiptOf(answer)]);
      expect(await held()).toEqual(holding(shards));
    },
    60_000,
  );

  it('goes on after an item that is not what its token says, and after one that finds no room', async () => {
    const shards = shardsOf(50_000, 70_000, 300_000, 20_000, 1);
    const sent = [...shards];
    sent[1] = randomBytes(70_000);
    await host.home.setShare(200_000);
    const answer = await sendBatch(host, putToken(shards), { shards: sent });
    expect(resultsOf(receiptOf(answer))).toEqual(['stored', 'shard_content_mismatch', 'host_full', 'stored', 'stored']);
    expect(await held()).toEqual(holding([shards[0]!, shards[3]!, shards[4]!]));
    expect((await host.get(shards[3]!)).body.equals(shards[3]!)).toBe(true);
  });

  it('of one item that is refused ends as that item would alone', async () => {
    const [shard, other] = shardsOf(1_000, 1_000);
    const answer = await sendBatch(host, putToken([shard!]), { shards: [other!] });
    expect([answer.status, codeOf(answer)]).toEqual([422, 'shard_content_mismatch']);
    expect(await reported()).toMatchObject([{ outcome: 'failed', code: 'shard_content_mismatch' }]);
  });

  it('counts a shard that was here already once', async () => {
    const shards = shardsOf(1_000, 2_000);
    await host.put(shards[0]!);
    const answer = await sendBatch(host, putToken(shards), { shards });
    expect(resultsOf(receiptOf(answer))).toEqual(['stored', 'stored']);
    expect(await held()).toEqual(holding(shards));
  });

  it('names the items that never came, when the client ends its body early and in good order', async () => {
    const shards = shardsOf(1_000, 2_000, 3_000);
    const body = batchBody(putToken(shards), shards).subarray(0, -4_000);
    const answer = await host.send({ method: 'POST', path: '/batch', body, contentLength: null });
    expect(resultsOf(receiptOf(answer))).toEqual(['stored', 'shard_too_short', 'shard_too_short']);
  });

  it('is refused with a length that is not its own, and costs the token nothing', async () => {
    const shards = shardsOf(1_000, 2_000);
    const token = putToken(shards);
    for (let i = 0; i < TOKEN_RELEASES_MAX + 2; i++) {
      const wrong = await sendBatch(host, token, { shards: [...shards, randomBytes(1)] });
      expect(codeOf(wrong)).toBe('request_invalid');
    }
    expect((await sendBatch(host, token, { shards })).status).toBe(201);
  });

  it('shown twice at once is done once', async () => {
    const shards = shardsOf(400_000, 500_000, 10);
    const token = putToken(shards);
    const answers = await Promise.all([1, 2, 3].map(() => sendBatch(host, token, { shards })));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(1);
    for (const answer of answers) expect(['token_in_use', undefined]).toContain(codeOf(answer));
    expect(await held()).toEqual(holding(shards));
    expect((await reported()).filter((report) => (report as { outcome: string }).outcome === 'done')).toHaveLength(1);
  });

  it('cut off at every boundary and within every item goes on from there', async () => {
    const shards = shardsOf(20_000, 1, 50_000, 16_384);
    const token = putToken(shards);
    const headBytes = 4 + token.length;
    let done = 0;
    for (const [i, shard] of shards.entries()) {
      for (const part of [0, Math.floor(shard.length / 2)]) {
        if (part === 0 && i > 0) continue;
        await cutPut(host, token, { shards, position: i, bodyBytes: headBytes + part });
      }
      // The last cut brings this item: the next one begins at a boundary.
      if (i < shards.length - 1) {
        await waitUntilFree(token, i);
        await cutPut(host, token, { shards, position: i, bodyBytes: headBytes + shard.length });
        done = i + 1;
        await waitUntilFree(token, done);
      }
    }
    const answer = await finishBatch(host, token, { shards, position: done });
    expect(resultsOf(receiptOf(answer))).toEqual(shards.map(() => 'stored'));
    expect(await held()).toEqual(holding(shards));
  }, 60_000);

  /** The host has noticed that the connection is gone, and has done so many items. */
  async function waitUntilFree(token: string, done: number): Promise<void> {
    for (;;) {
      const answer = await sendBatch(host, token, { position: done === 0 ? 1 : 0 });
      if (codeOf(answer) === 'token_in_use') continue;
      expect([codeOf(answer), positionOf(answer)]).toEqual(['batch_position_wrong', done]);
      return;
    }
  }

  it('cut off wherever, however often, stores each item once, under one receipt', async () => {
    const before: Buffer[] = [];
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 60_000 }), { minLength: 1, maxLength: 6 }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: TOKEN_RELEASES_MAX }),
        async (sizes, cuts) => {
          const shards = shardsOf(...sizes);
          const claims = batchClaims(host, 'put', shards);
          const token = host.seal(claims);
          for (const cut of cuts) {
            const answer = await finishBatchOrCut(token, shards, cut);
            if (answer !== null) break;
          }
          const answer = await finishBatch(host, token, { shards });
          expect(resultsOf(receiptOf(answer))).toEqual(shards.map(() => 'stored'));
          before.push(...shards);
          expect(await held()).toEqual(holding(before));
          const reports = (await reported()).filter(
            (report) => (report as { transactionId?: string }).transactionId === claims.transactionId,
          );
          expect(reports).toEqual([expect.objectContaining({ outcome: 'done', receipt: receiptOf(answer) })]);
        },
      ),
      { numRuns: 12 },
    );
  }, 120_000);

  /** One presentation from where the host is, cut at a share of its body; the answer when nothing was left to cut. */
  async function finishBatchOrCut(token: string, shards: Buffer[], cut: number): Promise<RawAnswer | null> {
    let position = 0;
    for (;;) {
      const asked = await sendBatch(host, token, { position: 1 });
      if (asked.status === 200) return asked;
      if (codeOf(asked) === 'token_in_use') continue;
      position = codeOf(asked) === 'batch_position_wrong' ? positionOf(asked) : 1;
      break;
    }
    const body = batchBody(token, shards, position);
    await cutPut(host, token, { shards, position, bodyBytes: Math.floor(cut * (body.length - 1)) });
    return null;
  }

  it('that makes progress outlives any number of cut-offs; one that does not is spent', async () => {
    const shards = shardsOf(...Array.from({ length: 12 }, () => 2_000));
    const token = putToken(shards);
    const headBytes = 4 + token.length;
    for (let i = 0; i < 11; i++) {
      await cutPut(host, token, { shards, position: i, bodyBytes: headBytes + 2_000 + 10 });
      await waitUntilFree(token, i + 1);
    }
    for (let i = 0; i <= TOKEN_RELEASES_MAX; i++) {
      await cutPut(host, token, { shards, position: 11, bodyBytes: headBytes + 10 });
      if (i < TOKEN_RELEASES_MAX) await waitUntilFree(token, 11);
    }
    expect(codeOf(await finishBatch(host, token, { shards, position: 11 }))).toBe('token_released_too_often');
    expect(await reported()).toContainEqual(
      expect.objectContaining({ outcome: 'failed', code: 'token_released_too_often' }),
    );
  }, 60_000);

  it('goes on after the host was killed, though tokens from before are refused', async () => {
    const shards = shardsOf(10_000, 20_000, 30_000);
    const [token, other] = [putToken(shards), host.token('put', shards[0]!)];
    await cutPut(host, token, { shards, bodyBytes: 4 + token.length + 30_000 + 5 });
    await waitUntilFree(token, 2);
    await host.agent.kill();
    host.clock.advance(2_000);
    await host.restart();
    await host.outliveStart();
    expect(codeOf(await host.put(shards[0]!, other))).toBe('token_predates_restart');
    const answer = await finishBatch(host, token, { shards });
    expect(resultsOf(receiptOf(answer))).toEqual(['stored', 'stored', 'stored']);
    expect(await held()).toEqual(holding(shards));
  });

  it('of a client that sends less than the least rate is cut off, and its token is good again', async () => {
    const shards = shardsOf(500_000, 1_000);
    const token = putToken(shards);
    const socket = stallPut(host, token, shards, 100_000);
    while ((await releases())[0]?.releases !== 1) await host.agent.triggers.rates();
    socket.destroy();
    const answer = await finishBatch(host, token, { shards });
    expect(resultsOf(receiptOf(answer))).toEqual(['stored', 'stored']);
  });

  const releases = () =>
    host.read((reads) => reads.query<{ releases: number }[]>('SELECT releases FROM used_token WHERE burned = 0'));
});

describe('a get batch', () => {
  it.each([[1], [2], [1_024]])(
    'of %i items serves each of them, then one receipt',
    async (count) => {
      const shards = Array.from({ length: count }, (_, i) => Buffer.from(`shard ${i} of ${count}`));
      await sendBatch(host, putToken(shards), { shards });
      const claims = batchClaims(host, 'get', shards);
      const token = host.seal(claims);
      const answer = await sendBatch(host, token);
      expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/peerkeep-batch']);
      const got = readGetBatch(answer);
      expect(got.items).toEqual(shards);
      expect(resultsOf(got.receipt!)).toEqual(shards.map(() => 'served'));

      const again = readGetBatch(await sendBatch(host, token));
      expect(again).toEqual({ items: [], receipt: got.receipt });
      expect(
        (await reported()).filter((report) => (report as { receipt?: string }).receipt === got.receipt),
      ).toHaveLength(1);
    },
    60_000,
  );

  it('goes on after an item that is corrupt, and after one that is not here', async () => {
    const shards = shardsOf(1_000_000, 600_000, 10, 20_000);
    for (const shard of [shards[0]!, shards[1]!, shards[3]!]) await host.put(shard);
    await damage(shards[1]!);
    const got = readGetBatch(await sendBatch(host, getToken(shards)));
    expect(got.items.map(nameOf)).toEqual([shards[0]!, 'shard_corrupt', 'shard_unknown', shards[3]!].map(nameOf));
    expect(resultsOf(got.receipt!)).toEqual(['served', 'shard_corrupt', 'shard_unknown', 'served']);
  });

  it('of one item that is refused ends as that item would alone', async () => {
    const answer = await sendBatch(host, getToken(shardsOf(100)));
    expect([answer.status, codeOf(answer)]).toEqual([404, 'shard_unknown']);
  });

  it('cut off anywhere goes on from what the client has', async () => {
    const shards = shardsOf(300_000, 10, 700_000, 1, 250_000);
    await sendBatch(host, putToken(shards), { shards });
    for (const answerBytes of [1, 250_000, 330_000, 1_000_000]) {
      const token = getToken(shards);
      await cutGet(host, token, answerBytes);
      const first = await finishBatch(host, token);
      expect(readGetBatch(first).items.map(nameOf)).toEqual(shards.map(nameOf));
      expect(resultsOf(readGetBatch(first).receipt!)).toEqual(shards.map(() => 'served'));
    }
  });

  it('passes over what the client has, and no more than was ever served', async () => {
    const shards = shardsOf(300_000, 10, 2_000_000, 3_000_000);
    await sendBatch(host, putToken(shards), { shards });
    const token = getToken(shards);
    expect(codeOf(await sendBatch(host, token, { position: 1 }))).toBe('batch_position_wrong');
    await cutGet(host, token, 400_000);
    const answer = await finishBatch(host, token, { position: 2 });
    expect(readGetBatch(answer).items.map(nameOf)).toEqual([shards[2]!, shards[3]!].map(nameOf));
    expect(resultsOf(readGetBatch(answer).receipt!)).toEqual(['served', 'served', 'served', 'served']);
  });
});

describe('a batch', () => {
  it('has no token, a broken one, or another client’s', async () => {
    const shards = shardsOf(10, 20);
    expect(codeOf(await host.send({ method: 'POST', path: '/batch' }))).toBe('token_missing');
    expect(codeOf(await host.send({ method: 'POST', path: '/batch', body: Buffer.from([0, 0, 1, 0, 65]) }))).toBe(
      'token_missing',
    );
    expect(codeOf(await host.send({ method: 'POST', path: '/batch', body: Buffer.from([0, 2, 0, 1, 65]) }))).toBe(
      'token_invalid',
    );
    expect(codeOf(await sendBatch(host, 'v3.local.x', { shards }))).toBe('token_invalid');
    const foreign = host.seal(batchClaims(host, 'put', shards, { clientId: peerIdOf(9) }));
    expect(codeOf(await sendBatch(host, foreign, { shards }))).toBe('token_wrong_client');
    const stream = host.token('stream', shards[0]!, { maxBytes: 100 });
    expect(codeOf(await sendBatch(host, stream))).toBe('token_wrong_op');
  });

  it('of a token of many items is no request for one of them', async () => {
    const shards = shardsOf(10, 20);
    expect(codeOf(await host.put(shards[0]!, putToken(shards)))).toMatch(/^token_(?:invalid|wrong_content)$/);
  });

  it.each(['-1', '01', '1.5', '3', '99999'])('has no position %s', async (position) => {
    const shards = shardsOf(10, 20);
    const body = batchBody(putToken(shards), shards);
    const headers = { 'peerkeep-batch-position': position };
    expect(codeOf(await host.send({ method: 'POST', path: '/batch', body, headers }))).toBe('request_invalid');
  });
});
