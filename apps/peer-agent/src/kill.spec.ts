// A host process killed at random points of puts: no torn shard is visible afterwards, and no acknowledged one is missing.
import { randomBytes, randomInt } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openDatabase } from '#database';
import { AGENT_MIGRATIONS } from '#migrations/agent/index';
import type { PeerHome } from '#peer-home';
import { PeerLink } from '#peer-link';
import { openLog, SystemClock } from '#process';
import { type ContentId, contentIdOf, sealToken, type TransactionId, TransactionKey, uuidV7 } from '#protocol';
import { CLIENT_ID, HOST_ID, SHARE_BYTES, TestBroker } from '../../../test/agent-fixture.js';
import { killAgentProcess, startAgentProcess } from '../../../test/agent-process.js';
import { TestAuthority } from '../../../test/authority.js';
import { createHome } from '../../../test/peer-fixture.js';

const KILLS = 3;
const PUTS_AT_ONCE = 4;
const SHARD_BYTES_MAX = 600_000;
const KILL_AFTER_MS_MAX = 150;

it('survives kill -9 at any moment', { timeout: 120_000 }, async () => {
  const clock = new SystemClock();
  const log = openLog('test', 'silent');
  const authority = await TestAuthority.create();
  const key = new TransactionKey(randomBytes(32));
  const broker = await TestBroker.start(authority, key, clock);
  const home = await createHome(authority, { peerId: HOST_ID, transactionKey: key, brokerPort: broker.port });
  await home.setShare(SHARE_BYTES);
  const clientHome = await createHome(authority, { peerId: CLIENT_ID });
  const acknowledged = new Map<ContentId, number>();

  for (let kill = 0; kill <= KILLS; kill++) {
    const agent = await startAgentProcess(home.path, broker);
    const link = new PeerLink({ home: clientHome, clock, log });
    const host = { peerId: HOST_ID, address: '127.0.0.1', port: agent.port };
    const tokenFor = (op: 'put' | 'get', cid: ContentId, sizeBytes: number): string => {
      const nowMs = clock.nowMs();
      const transactionId = uuidV7<TransactionId>(nowMs, randomBytes(10));
      const times = { issuedAtMs: nowMs, notBeforeMs: nowMs, expiresAtMs: nowMs + 600_000 };
      const { trustDomain } = authority;
      const claims = { trustDomain, hostId: HOST_ID, clientId: CLIENT_ID, transactionId, ...times, op };
      return sealToken(key, { ...claims, items: [{ cid, sizeBytes }] }, randomBytes(32));
    };

    // Every acknowledged shard is served whole: getShard checks its content id.
    for (const [cid, sizeBytes] of acknowledged) {
      await link.getShard({ host, token: tokenFor('get', cid, sizeBytes), cid, sizeBytes });
    }
    expect(await rowsWithoutFile(home)).toEqual([]);

    const putUntilKilled = async (): Promise<void> => {
      for (;;) {
        const bytes = randomBytes(randomInt(1, SHARD_BYTES_MAX));
        const cid = contentIdOf(bytes);
        await link.putShard({ host, token: tokenFor('put', cid, bytes.length), cid, bytes });
        acknowledged.set(cid, bytes.length);
      }
    };
    const puts = Array.from({ length: PUTS_AT_ONCE }, () => putUntilKilled().catch((error: unknown) => error));
    if (kill === 0) while (acknowledged.size === 0) await pause(1);
    await pause(randomInt(KILL_AFTER_MS_MAX));
    await killAgentProcess(agent);
    const ends = await Promise.all(puts);
    expect(ends.map((error) => (error as { code?: string }).code)).toEqual(puts.map(() => 'peer_unreachable'));
    await link.close();
  }
  expect(acknowledged.size).toBeGreaterThan(0);
  await broker.stop();
});

async function rowsWithoutFile(home: PeerHome): Promise<string[]> {
  const files = new Set(await readdir(join(home.path, 'shards'), { recursive: true }));
  const database = await openDatabase({
    file: join(home.path, 'agent.db'),
    entities: [],
    migrations: AGENT_MIGRATIONS,
  });
  try {
    const rows = await database.reads.query<{ cid: string }[]>('SELECT cid FROM shard');
    const names = rows.map(({ cid }) => Buffer.from(cid, 'base64url').toString('hex'));
    return names.filter((name) => !files.has(`${name.slice(0, 2)}/${name}`));
  } finally {
    await database.close();
  }
}
