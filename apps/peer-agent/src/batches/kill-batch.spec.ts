// A host process killed in the middle of batches: the client goes on under the same token, and no item is lost or doubled.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { openReadOnly } from '#database';
import { PeerLink } from '#peer-link';
import { openLog, SystemClock } from '#process';
import { contentIdOf, sealToken, type TransactionId, TransactionKey, uuidV7 } from '#protocol';
import { CLIENT_ID, HOST_ID, SHARE_BYTES, TestBroker } from '../../../../test/agent-fixture.js';
import { killAgentProcess, startAgentProcess } from '../../../../test/agent-process.js';
import { TestAuthority } from '../../../../test/authority.js';
import { CuttingProxy } from '../../../../test/cutting-proxy.js';
import { createHome } from '../../../../test/peer-fixture.js';

const KILLS = 1;
/** Sent, and not yet durable when the host was killed. */
const SENT_AGAIN_MAX = 8;

it('survives kill -9 in the middle of a batch', { timeout: 240_000 }, async () => {
  const clock = new SystemClock();
  const log = openLog('test', 'silent');
  const authority = await TestAuthority.create();
  const key = new TransactionKey(randomBytes(32));
  const broker = await TestBroker.start(authority, key, clock);
  const home = await createHome(authority, { peerId: HOST_ID, transactionKey: key, brokerPort: broker.port });
  await home.setShare(SHARE_BYTES);
  const link = new PeerLink({ home: await createHome(authority, { peerId: CLIENT_ID }), clock, log });
  let host = await startAgentProcess(home.path, broker);
  const line = await CuttingProxy.start(host.port);
  onTestFinished(async () => {
    await killAgentProcess(host);
    await link.close();
    await line.stop();
    await broker.stop();
  });
  const shards = Array.from({ length: 24 }, () => randomBytes(200_000));
  const batchOf = (op: 'put' | 'get') => {
    const nowMs = clock.nowMs();
    const transactionId = uuidV7<TransactionId>(nowMs, randomBytes(10));
    const items = shards.map((shard) => ({ cid: contentIdOf(shard), sizeBytes: shard.length }));
    const times = { issuedAtMs: nowMs, notBeforeMs: nowMs, expiresAtMs: nowMs + 600_000 };
    const { trustDomain } = authority;
    const claims = { trustDomain, hostId: HOST_ID, clientId: CLIENT_ID, transactionId, ...times, op, items };
    const address = { peerId: HOST_ID, address: '127.0.0.1', port: line.port };
    return { host: address, token: sealToken(key, claims, randomBytes(32)), items, transactionId };
  };
  /** Kill the host when so many items are durable, and start it again. */
  const killAfter = async (items: number): Promise<void> => {
    while ((await itemsDone(home.path)) < items) await nextTurn();
    await killAgentProcess(host);
    host = await startAgentProcess(home.path, broker);
    line.targetPort = host.port;
  };

  let killed = 0;
  const sent: number[] = [];
  const put = link.putBatch({
    ...batchOf('put'),
    bytesOf: async (index) => {
      sent.push(index);
      // The next item is there when the host, that was killed with a part of the batch, is there again.
      if (index === 8 * (killed + 1) && killed < KILLS) await killAfter(2 + 8 * killed++);
      return shards[index]!;
    },
  });
  expect((await put).results).toEqual(shards.map(() => 'stored'));
  expect(killed).toBe(KILLS);
  // Some items were sent again, and by far not all.
  expect(sent.length).toBeGreaterThan(shards.length);
  expect(sent.length).toBeLessThanOrEqual(shards.length + KILLS * SENT_AGAIN_MAX);

  const handed: string[] = [];
  const got = await link.getBatch({
    ...batchOf('get'),
    onItem: async (index, bytes) => {
      handed.push(contentIdOf(bytes));
      if (index === 3) await killAfter(1);
    },
  });
  expect(got.results).toEqual(shards.map(() => 'served'));
  expect(handed).toEqual(shards.map((shard) => contentIdOf(shard)));
});

async function itemsDone(homePath: string): Promise<number> {
  const database = await openReadOnly({ file: join(homePath, 'agent.db'), entities: [] });
  try {
    const [row] = await database.reads.query<{ count: number }[]>('SELECT count(*) AS count FROM batch_item');
    return row!.count;
  } finally {
    await database.close();
  }
}
