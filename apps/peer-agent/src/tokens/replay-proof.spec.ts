// The proof of the replay list (B16): 10,000 tokens, each shown 100 times at once, succeed 10,000 times; over TLS the same.
import { randomBytes, randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isRefusal, type VerifiedToken } from '#protocol';
import { AgentFixture } from '../../../../test/agent-fixture.js';
import { ManualTime, makeFolder, openAgentDatabase, verifiedToken } from '../../../../test/claim-fixture.js';
import { beginRun, markCleanStop } from '../state/agent-state.js';
import { ReplayList } from './replay-list.js';

const START_MS = Date.UTC(2026, 10, 20);
const TOKENS = 10_000;
const PRESENTATIONS = 100;
/** Shown at once: so many tokens, each PRESENTATIONS times. */
const TOKENS_AT_ONCE = 20;
const RESTART_EVERY = 2_000;

describe('the list', () => {
  it('takes each of 10,000 tokens once of 100 times, over restarts of both kinds', { timeout: 300_000 }, async () => {
    // A million refusals: where each was thrown is of no interest.
    Error.stackTraceLimit = 0;
    const folder = await makeFolder();
    const time = new ManualTime(START_MS);
    time.brokerMs = START_MS;
    let database = await openAgentDatabase(folder);
    let list = await ReplayList.load(database, time, await beginRun(database));
    let successes = 0;
    const refusals = new Map<string, number>();
    const present = async (token: VerifiedToken): Promise<void> => {
      for (let turns = randomInt(3); turns > 0; turns--) await Promise.resolve();
      try {
        const claimed = list.claim(token);
        await database.writes.run((db) => list.burn(db, claimed, 'receipt'));
        list.markBurned(claimed, true);
        successes++;
      } catch (error) {
        if (!isRefusal(error)) throw error;
        refusals.set(error.code, (refusals.get(error.code) ?? 0) + 1);
      }
    };
    const shown: VerifiedToken[] = [];
    for (let first = 0; first < TOKENS; first += TOKENS_AT_ONCE) {
      const tokens = Array.from({ length: TOKENS_AT_ONCE }, () => verifiedToken(new Uint8Array(1), time.nowMs()));
      shown.push(...tokens);
      const all = tokens.flatMap((token) => Array.from({ length: PRESENTATIONS }, () => token));
      for (let i = all.length - 1; i > 0; i--) {
        const j = randomInt(i + 1);
        [all[i], all[j]] = [all[j]!, all[i]!];
      }
      await Promise.all(all.map(present));
      if (shown.length % RESTART_EVERY > 0) continue;
      if (shown.length % (2 * RESTART_EVERY) === 0) await database.writes.run((db) => markCleanStop(db, true));
      await database.close();
      time.startedMs = time.nowMs();
      database = await openAgentDatabase(folder);
      list = await ReplayList.load(database, time, await beginRun(database));
    }
    expect(successes).toBe(TOKENS);
    // And once more, all of them, whatever process took them.
    await Promise.all(shown.map(present));
    expect(successes).toBe(TOKENS);
    expect([...refusals.keys()].sort()).toEqual(['token_burned', 'token_in_use']);
    expect([...refusals.values()].reduce((sum, count) => sum + count)).toBe(TOKENS * PRESENTATIONS);
    const [row] = await database.reads.query<{ count: number }[]>('SELECT count(*) AS count FROM used_token');
    expect([list.size, Number(row?.count)]).toEqual([TOKENS, TOKENS]);
    await database.close();
  });
});

describe('the listener', () => {
  const SHARDS = 15;
  const AT_ONCE = 20;

  it('stores and serves once for each token of 15, shown 20 times at once', async () => {
    const host = await AgentFixture.start();
    let [stored, served] = [0, 0];
    for (let i = 0; i < SHARDS; i++) {
      const shard = randomBytes(randomInt(1, 100_000));
      const put = host.token('put', shard);
      const puts = await Promise.all(Array.from({ length: AT_ONCE }, () => host.put(shard, put).catch(() => null)));
      stored += puts.filter((answer) => answer?.status === 201).length;
      const get = host.token('get', shard);
      const gets = await Promise.all(Array.from({ length: AT_ONCE }, () => host.get(shard, get)));
      served += gets.filter(({ status, body }) => status === 200 && body.equals(shard)).length;
    }
    expect([stored, served]).toEqual([SHARDS, SHARDS]);
    await host.agent.triggers.reports();
    const receipts = host.broker.reports.filter(({ outcome }) => outcome === 'done');
    expect(receipts).toHaveLength(2 * SHARDS);
    await host.stop();
  });
});
