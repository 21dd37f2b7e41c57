// Deleting over real mutual TLS: gone at once, in the trash for a week, kept while it is retained, and never by accident.
import { randomBytes } from 'node:crypto';
import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLog } from '#process';
import {
  CLOCK_SKEW_MS_MAX,
  contentIdBytes,
  contentIdOf,
  decodeReceipt,
  encodeHex,
  es256Verifier,
  formatTime,
  type TokenClaims,
  TRASH_MS,
} from '#protocol';
import { AgentFixture, codeOf, pathOf, type RawAnswer, receiptOf } from '../../../../test/agent-fixture.js';
import { batchClaims, sendBatch } from '../../../../test/batch-fixture.js';
import { readStatus } from '../commands/status.js';
import { DiskShardFiles } from '../shards/shard-files.js';

const DAY_MS = 24 * 60 * 60_000;
const SHARD = randomBytes(50_000);

let host: AgentFixture;

beforeEach(async () => {
  host = await AgentFixture.start();
});

afterEach(() => host.stop());

function remove(bytes: Uint8Array, token = host.token('delete', bytes)): Promise<RawAnswer> {
  return host.send({ method: 'DELETE', path: pathOf(contentIdOf(bytes)), token });
}

const nameOf = (bytes: Uint8Array): string => {
  const name = encodeHex(contentIdBytes(contentIdOf(bytes)));
  return join(name.slice(0, 2), name);
};

async function files(): Promise<string[]> {
  const found = await readdir(join(host.home.path, 'shards'), { recursive: true, withFileTypes: true });
  const root = join(host.home.path, 'shards');
  return found
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
}

async function state() {
  return host.read(async (reads) => {
    const [row] = await reads.query<Record<string, number>[]>('SELECT * FROM agent_state');
    const count = async (table: string) =>
      (await reads.query<{ count: number }[]>(`SELECT count(*) AS count FROM ${table}`))[0]!.count;
    return {
      shardCount: row!.shard_count,
      usedBytes: row!.used_bytes,
      shards: await count('shard'),
      refs: await count('shard_ref'),
      trash: await count('trash'),
    };
  });
}

/** With the host stopped meanwhile: its loops would run at every moment in between, and find a broker of the last one. */
async function later(ms: number): Promise<void> {
  await host.agent.stop();
  host.clock.advance(ms);
  await host.restart();
  await host.agent.triggers.presence();
}

/** As the host knows it: the broker signs whole seconds. */
const brokerTimeMs = (): number => Math.floor(host.clock.nowMs() / 1_000) * 1_000;

async function sweepAll(): Promise<void> {
  for (let folder = 0; folder < 256; folder++) await host.agent.triggers.sweep();
}

describe('a delete', () => {
  it('takes the shard out of sight at once, under a receipt, and keeps its bytes in the trash', async () => {
    await host.put(SHARD);
    const claims = host.claims('delete', SHARD);
    const answer = await remove(SHARD, host.seal(claims));
    expect(answer.status).toBe(200);
    const receipt = decodeReceipt(receiptOf(answer), es256Verifier(host.home.certificate().pem));
    expect(receipt).toMatchObject({ op: 'delete', transactionId: claims.transactionId });
    expect(receipt.items).toEqual([{ ...claims.items[0], result: 'deleted' }]);
    expect(codeOf(await host.get(SHARD))).toBe('shard_unknown');
    expect(await state()).toEqual({ shardCount: 0, usedBytes: SHARD.length, shards: 0, refs: 0, trash: 1 });
    expect(await files()).toEqual([join('trash', `${nameOf(SHARD)}.${brokerTimeMs()}`)]);
    expect(await readStatus(host.home.path, openLog('test', 'silent'))).toMatchObject({
      shards: 0,
      usedBytes: SHARD.length,
      trashBytes: SHARD.length,
    });

    const again = await remove(SHARD, host.seal(claims));
    expect([again.status, receiptOf(again)]).toEqual([200, receiptOf(answer)]);
    await host.agent.triggers.reports();
    expect(host.broker.reports).toContainEqual(
      expect.objectContaining({ outcome: 'done', transactionId: claims.transactionId, receipt: receiptOf(answer) }),
    );
  });

  it('is followed by a put of the same shard as by any other', async () => {
    await host.put(SHARD);
    await remove(SHARD);
    expect((await host.put(SHARD)).status).toBe(201);
    expect((await host.get(SHARD)).body.equals(SHARD)).toBe(true);
    expect(await state()).toEqual({ shardCount: 1, usedBytes: 2 * SHARD.length, shards: 1, refs: 1, trash: 1 });
    await remove(SHARD);
    await host.put(SHARD);
    expect(await state()).toMatchObject({ shards: 1, trash: 2 });
    await later(TRASH_MS + 2_000);
    await host.agent.triggers.trash();
    expect(await files()).toEqual([nameOf(SHARD)]);
    expect(await state()).toMatchObject({ usedBytes: SHARD.length, trash: 0 });
  });

  it('does not take what was put again after it was permitted, alone or in a batch', async () => {
    await host.put(SHARD);
    const token = host.token('delete', SHARD);
    const batch = host.seal(batchClaims(host, 'delete', [SHARD, randomBytes(9)]));
    host.clock.advance(1_000);
    await host.put(SHARD);
    expect(codeOf(await remove(SHARD, token))).toBe('shard_put_again');
    const { items } = decodeReceipt(
      receiptOf(await sendBatch(host, batch)),
      es256Verifier(host.home.certificate().pem),
    );
    expect(items.map(({ result }) => result)).toEqual(['shard_put_again', 'shard_unknown']);
    expect((await host.get(SHARD)).body.equals(SHARD)).toBe(true);
    expect((await remove(SHARD)).status).toBe(200);
  });

  it('does not take what was stored after it was permitted, under a token that is older still', async () => {
    const old = host.token('put', SHARD);
    host.clock.advance(1_000);
    const token = host.token('delete', SHARD);
    host.clock.advance(CLOCK_SKEW_MS_MAX + 1_000);
    await host.put(SHARD, old);
    expect(codeOf(await remove(SHARD, token))).toBe('shard_put_again');
    expect((await remove(SHARD)).status).toBe(200);
  });

  it('of a shard that is not here, or of another size, is refused, and says so to the broker', async () => {
    expect(codeOf(await remove(SHARD))).toBe('shard_unknown');
    await host.put(SHARD);
    const items = [{ cid: contentIdOf(SHARD), sizeBytes: SHARD.length - 1 }];
    expect(codeOf(await remove(SHARD, host.token('delete', SHARD, { items })))).toBe('shard_unknown');
    expect((await host.get(SHARD)).status).toBe(200);
    await host.agent.triggers.reports();
    expect(host.broker.reports).toContainEqual(expect.objectContaining({ outcome: 'failed', code: 'shard_unknown' }));
  });

  it.each(['put', 'get'] as const)('is not what a %s token is for', async (op) => {
    await host.put(SHARD);
    expect(codeOf(await remove(SHARD, host.token(op, SHARD)))).toBe('token_wrong_op');
    const universal: Partial<TokenClaims> = { items: [], maxBytes: 1_000_000, maxUses: 5 };
    expect(codeOf(await remove(SHARD, host.token('universal', SHARD, universal)))).toBe('token_wrong_op');
    expect((await host.get(SHARD)).status).toBe(200);
  });

  it('at once with puts of the same shard leaves a shard that is served, or none', async () => {
    await host.put(SHARD);
    for (let round = 0; round < 8; round++) {
      const answers = await Promise.all([host.put(SHARD), remove(SHARD), host.put(SHARD), remove(SHARD)]);
      for (const answer of answers) expect([200, 201, 404]).toContain(answer.status);
      const isHere = (await state()).shards === 1;
      expect((await host.get(SHARD)).status).toBe(isHere ? 200 : 404);
      if (!isHere) await host.put(SHARD);
    }
  });
});

describe('a retained shard', () => {
  const retained = (ms: number): string => host.token('put', SHARD, { retainUntilMs: host.clock.nowMs() + ms });

  it('is deleted by nobody until its time is over by the broker’s clock', async () => {
    const untilMs = host.clock.nowMs() + DAY_MS;
    await host.put(SHARD, retained(DAY_MS));
    const answer = await remove(SHARD);
    expect([answer.status, codeOf(answer)]).toEqual([409, 'shard_retained']);
    expect((JSON.parse(answer.body.toString()) as { facts: unknown }).facts).toMatchObject({
      retainUntil: formatTime(untilMs),
    });
    const other = randomBytes(100);
    await host.put(other);
    const batch = await sendBatch(host, host.seal(batchClaims(host, 'delete', [SHARD, other])));
    expect(
      decodeReceipt(receiptOf(batch), es256Verifier(host.home.certificate().pem)).items.map(({ result }) => result),
    ).toEqual(['shard_retained', 'deleted']);

    await later(DAY_MS - 1_000);
    expect(codeOf(await remove(SHARD))).toBe('shard_retained');
    await later(2_000);
    expect((await remove(SHARD)).status).toBe(200);
  });

  it('is retained for longer by another put, and never for less', async () => {
    await host.put(SHARD, retained(DAY_MS));
    await host.put(SHARD, retained(2 * DAY_MS));
    await host.put(SHARD, retained(DAY_MS / 2));
    await host.put(SHARD);
    await later(DAY_MS + 1_000);
    expect(codeOf(await remove(SHARD))).toBe('shard_retained');
    await later(DAY_MS);
    expect((await remove(SHARD)).status).toBe(200);
  });

  it('stays while the broker has not told the time, whatever the clock of the machine says', async () => {
    await host.put(SHARD, retained(DAY_MS));
    await host.agent.stop();
    host.broker.isDown = true;
    host.clock.advance(30 * DAY_MS);
    await host.restart();
    expect(codeOf(await remove(SHARD))).toBe('shard_retained');
    host.broker.isDown = false;
  });
});

describe('a delete batch', () => {
  it.each([[1], [2], [1_024]])(
    'of %i items deletes each of them',
    async (count) => {
      const shards = Array.from({ length: count }, (_, i) => Buffer.from(`shard ${i} of ${count}`));
      await sendBatch(host, host.seal(batchClaims(host, 'put', shards)), { shards });
      const token = host.seal(batchClaims(host, 'delete', shards));
      const answer = await sendBatch(host, token);
      const { items } = decodeReceipt(receiptOf(answer), es256Verifier(host.home.certificate().pem));
      expect([answer.status, items.map(({ result }) => result)]).toEqual([200, shards.map(() => 'deleted')]);
      expect(await state()).toMatchObject({ shardCount: 0, shards: 0, refs: 0, trash: count });
      expect(receiptOf(await sendBatch(host, token))).toBe(receiptOf(answer));
      expect(receiptOf(await sendBatch(host, token, { position: 1 }))).toBe(receiptOf(answer));
    },
    90_000,
  );

  it('goes on after an item that is not here', async () => {
    const [first, unknown, last] = [randomBytes(10), randomBytes(20), randomBytes(30)];
    await host.put(first);
    await host.put(last);
    const answer = await sendBatch(host, host.seal(batchClaims(host, 'delete', [first, unknown, last])));
    const { items } = decodeReceipt(receiptOf(answer), es256Verifier(host.home.certificate().pem));
    expect(items.map(({ result }) => result)).toEqual(['deleted', 'shard_unknown', 'deleted']);
  });

  it('of the same shards, several at once, wait for each other and for nothing else', async () => {
    const shards = Array.from({ length: 40 }, (_, i) => Buffer.from(`shard ${i}`));
    await sendBatch(host, host.seal(batchClaims(host, 'put', shards)), { shards });
    const orders = [shards, [...shards].reverse(), shards];
    const answers = await Promise.all(
      orders.map((order) => sendBatch(host, host.seal(batchClaims(host, 'delete', order)))),
    );
    const results = answers.flatMap((answer) =>
      decodeReceipt(receiptOf(answer), es256Verifier(host.home.certificate().pem)).items.map(({ result }) => result),
    );
    expect(results.filter((result) => result === 'deleted')).toHaveLength(shards.length);
    expect(results.filter((result) => result === 'shard_unknown')).toHaveLength(2 * shards.length);
  });
});

describe('the trash', () => {
  it('is emptied a week later, by the time of the broker and by no other', async () => {
    await host.put(SHARD);
    await remove(SHARD);
    await later(TRASH_MS - 2_000);
    await host.agent.triggers.trash();
    expect(await state()).toMatchObject({ usedBytes: SHARD.length, trash: 1 });
    await host.agent.stop();
    host.broker.isDown = true;
    host.clock.advance(30 * DAY_MS);
    await host.restart();
    await host.agent.triggers.trash();
    expect(await state()).toMatchObject({ usedBytes: SHARD.length, trash: 1 });
    host.broker.isDown = false;
    await host.agent.triggers.presence();
    await host.agent.triggers.trash();
    expect(await state()).toMatchObject({ usedBytes: 0, trash: 0 });
    expect(await files()).toEqual([]);
    await host.agent.triggers.presence();
    expect(host.broker.presences.at(-1)?.host).toMatchObject({ usedBytes: 0 });
  });

  it('is no room for others until then', async () => {
    await host.home.setShare(SHARD.length);
    await host.put(SHARD);
    await remove(SHARD);
    const other = randomBytes(10);
    expect(codeOf(await host.put(other))).toBe('host_full');
    await later(TRASH_MS + 1_000);
    await host.agent.triggers.trash();
    expect((await host.put(other)).status).toBe(201);
  });
});

describe('a crash', () => {
  /** After the row is gone, before the file is moved. */
  async function crashBeforeTheMove(): Promise<void> {
    const move = DiskShardFiles.prototype.rename;
    const fails: typeof move = (from, to) =>
      to.includes('trash')
        ? Promise.reject(new Error('the machine stops here'))
        : move.call(new DiskShardFiles(), from, to);
    DiskShardFiles.prototype.rename = fails;
    try {
      expect((await remove(SHARD)).status).toBe(200);
    } finally {
      DiskShardFiles.prototype.rename = move;
    }
    await host.agent.kill();
    host.clock.advance(2_000);
    await host.restart();
    await host.outliveStart();
  }

  it('between the row and the file leaves nothing that is served, and the sweep finishes the delete', async () => {
    await host.put(SHARD);
    const deletedMs = brokerTimeMs();
    await crashBeforeTheMove();
    expect(codeOf(await host.get(SHARD))).toBe('shard_unknown');
    expect(await files()).toEqual([nameOf(SHARD)]);
    await sweepAll();
    expect(await files()).toEqual([join('trash', `${nameOf(SHARD)}.${deletedMs}`)]);
    await later(TRASH_MS + 1_000);
    await host.agent.triggers.trash();
    expect([await files(), (await state()).usedBytes]).toEqual([[], 0]);
  });

  it('between the row and the file loses no shard that is put again before the sweep', async () => {
    await host.put(SHARD);
    await crashBeforeTheMove();
    await host.put(SHARD);
    await sweepAll();
    await later(TRASH_MS + 1_000);
    await host.agent.triggers.trash();
    expect((await host.get(SHARD)).body.equals(SHARD)).toBe(true);
    expect(await state()).toMatchObject({ usedBytes: SHARD.length, shards: 1, trash: 0 });
  });

  it('between the file and its row in the trash is finished the next time', async () => {
    await host.put(SHARD);
    await remove(SHARD);
    await later(TRASH_MS + 1);
    const [file] = await files();
    await rename(join(host.home.path, 'shards', file!), join(host.home.path, 'gone'));
    await host.agent.kill();
    await host.restart();
    await host.outliveStart();
    await host.agent.triggers.trash();
    expect(await state()).toMatchObject({ usedBytes: 0, trash: 0 });
  });

  it('before the unit is committed has deleted nothing', async () => {
    await host.put(SHARD);
    const token = host.token('delete', SHARD);
    // The connection is gone, and the process with it, at any moment of the delete.
    const ending = remove(SHARD, token).catch((error: unknown) => error);
    await host.agent.kill();
    await ending;
    host.clock.advance(2_000);
    await host.restart();
    await host.outliveStart();
    const { shards, trash } = await state();
    expect(shards + trash).toBe(1);
    await sweepAll();
    expect((await host.get(SHARD)).status).toBe(shards === 1 ? 200 : 404);
  });
});
