// The status of a host, read beside the agent that runs: what it says, and that it changes nothing.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '#database';
import { openLog } from '#process';
import { AgentFixture, SHARE_BYTES } from '../../../../test/agent-fixture.js';
import { formatStatus, readStatus } from './status.js';

const log = openLog('test', 'silent');
let host: AgentFixture;

beforeEach(async () => {
  host = await AgentFixture.start();
});

afterEach(() => host.stop());

describe('the status', () => {
  it('tells what a running host holds, and what waits for the broker', async () => {
    const shard = randomBytes(1_000);
    await host.put(shard);
    expect(await readStatus(host.home.path, log)).toMatchObject({
      usedBytes: 1_000,
      shards: 1,
      reportsWaiting: 1,
      lastBrokerContactAt: expect.any(String),
    });
  });

  it('tells what is free, remembered and refused, and how the clock stands, as the metrics do', async () => {
    const shard = randomBytes(1_000);
    const token = host.token('put', shard);
    await host.put(shard, token);
    for (let i = 0; i < 2; i++) expect((await host.get(shard, token)).status).toBe(403);
    await host.agent.triggers.prune();
    const status = await readStatus(host.home.path, log);
    expect(status).toMatchObject({ freeBytes: SHARE_BYTES - 1_000, replayListEntries: 1 });
    expect(status.refusals).toEqual({ token_wrong_op: 2 });
    expect(Math.abs(status.clockOffsetMs ?? Number.NaN)).toBeLessThan(60_000);
    expect(formatStatus(status)).toMatch(/^tokens +1 remembered$/m);
    // The next process begins anew.
    await host.agent.stop();
    await host.restart();
    await host.agent.triggers.prune();
    expect((await readStatus(host.home.path, log)).refusals).toEqual({});
  });

  it('leaves migrations to the agent', async () => {
    await host.agent.stop();
    const database = await openDatabase({ file: join(host.home.path, 'agent.db'), entities: [], migrations: [] });
    await database.writes.run((db) => db.query('DELETE FROM migrations'));
    // The agent would fail on its own tables here: a status that migrates would as well.
    expect(await readStatus(host.home.path, log)).toMatchObject({ shards: 0 });
    expect(await database.reads.query('SELECT * FROM migrations')).toEqual([]);
    await database.close();
  });
});
