// 200 hosts killed in the middle of transactions: no token does its work twice, no budget is passed (B16, traps 4 and 13).
import { randomBytes, randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { PeerLink } from '#peer-link';
import { openLog, SystemClock } from '#process';
import {
  contentIdOf,
  isRefusal,
  sealToken,
  type TokenClaims,
  type TokenOp,
  type TransactionId,
  TransactionKey,
  uuidV7,
} from '#protocol';
import { CLIENT_ID, HOST_ID, SHARE_BYTES, TestBroker } from '../agent-fixture.js';
import { killAgentProcess, startAgentProcess } from '../agent-process.js';
import { TestAuthority } from '../authority.js';
import { createHome } from '../peer-fixture.js';

const KILLS = Number(process.env.REPLAY_KILLS ?? 200);
const AT_ONCE = 4;
const KILL_AFTER_MS_MAX = 150;
const SHARD_BYTES = 400_000;
const STREAM_BYTES_MAX = 6_000_000;
const UNIVERSAL_USES_MAX = 40;
/** Tokens of earlier rounds that are shown again in each. */
const SHOWN_AGAIN = 40;

interface Shown {
  readonly op: 'put' | 'get';
  readonly token: string;
  readonly bytes: Buffer;
  successes: number;
}

it('none of the tokens succeeds twice, and none of the budgets is passed', async () => {
  const clock = new SystemClock();
  const authority = await TestAuthority.create();
  const key = new TransactionKey(randomBytes(32));
  const broker = await TestBroker.start(authority, key, clock);
  const home = await createHome(authority, { peerId: HOST_ID, transactionKey: key, brokerPort: broker.port });
  await home.setShare(50 * SHARE_BYTES);
  const clientHome = await createHome(authority, { peerId: CLIENT_ID });
  const lasting = randomBytes(SHARD_BYTES);
  const lastingItem = { cid: contentIdOf(lasting), sizeBytes: lasting.length };
  const shown: Shown[] = [];
  const budgets = { streamed: 0, uses: 0, refused: 0 };

  const seal = (op: TokenOp, bytes: Buffer, change: Partial<TokenClaims> = {}): string => {
    const nowMs = clock.nowMs();
    const claims = {
      trustDomain: authority.trustDomain,
      hostId: HOST_ID,
      clientId: CLIENT_ID,
      transactionId: uuidV7<TransactionId>(nowMs, randomBytes(10)),
      issuedAtMs: nowMs,
      notBeforeMs: nowMs,
      expiresAtMs: nowMs + 15 * 60_000,
      op,
      items: [{ cid: contentIdOf(bytes), sizeBytes: bytes.length }],
    };
    return sealToken(key, { ...claims, ...change }, randomBytes(32));
  };
  let stream = '';
  let universal = '';

  for (let kill = 0; kill < KILLS; kill++) {
    const agent = await startAgentProcess(home.path, broker);
    const link = new PeerLink({ home: clientHome, clock, log: openLog('test', 'silent') });
    const host = { peerId: HOST_ID, address: '127.0.0.1', port: agent.port };
    const show = async (one: Shown): Promise<void> => {
      const { token, bytes } = one;
      const asked = { host, token, cid: contentIdOf(bytes) };
      if (one.op === 'put') one.successes += (await link.putShard({ ...asked, bytes })).firstTime ? 1 : 0;
      else one.successes += (await link.getShard({ ...asked, sizeBytes: bytes.length })).bytes.equals(bytes) ? 1 : 0;
    };
    /** What a token that is shown again may hear, and what a killed host leaves. */
    const orRefused = (work: Promise<unknown>): Promise<unknown> =>
      work.catch((error: unknown) => {
        if (!isRefusal(error)) throw error;
        if (error.code === 'token_budget_spent') budgets.refused++;
      });

    // A new pair every 20 hosts: the older one has been spent, or soon expires.
    if (kill % 20 === 0) {
      expect(budgets.streamed).toBeLessThanOrEqual(STREAM_BYTES_MAX);
      expect(budgets.uses).toBeLessThanOrEqual(UNIVERSAL_USES_MAX);
      [budgets.streamed, budgets.uses] = [0, 0];
      stream = seal('stream', lasting, { maxBytes: STREAM_BYTES_MAX });
      universal = seal('universal', lasting, { items: [], maxBytes: 10 ** 12, maxUses: UNIVERSAL_USES_MAX });
      await link.putShard({ host, token: seal('put', lasting), cid: lastingItem.cid, bytes: lasting });
    }
    await Promise.all(shown.slice(-SHOWN_AGAIN).map((one) => orRefused(show(one))));

    let killed = false;
    const untilKilled = async (work: () => Promise<unknown>): Promise<void> => {
      while (!killed) {
        await orRefused(work());
        await pause(1);
      }
    };
    const workers = Array.from({ length: AT_ONCE }, () =>
      untilKilled(async () => {
        const bytes = randomBytes(randomInt(1, SHARD_BYTES));
        const put: Shown = { op: 'put', token: seal('put', bytes), bytes, successes: 0 };
        shown.push(put);
        await Promise.all([show(put), orRefused(show(put))]);
        const get: Shown = { op: 'get', token: seal('get', bytes), bytes, successes: 0 };
        shown.push(get);
        await Promise.all([orRefused(show(get)), orRefused(show(get))]);
      }),
    );
    workers.push(
      untilKilled(async () => {
        const start = randomInt(0, SHARD_BYTES - 1);
        const end = randomInt(start + 1, SHARD_BYTES);
        const { bytes } = await link.getRange({ host, token: stream, ...lastingItem, start, end });
        budgets.streamed += bytes.length;
      }),
      untilKilled(async () => {
        await link.getShard({ host, token: universal, ...lastingItem });
        budgets.uses++;
      }),
    );
    await pause(randomInt(KILL_AFTER_MS_MAX));
    await killAgentProcess(agent);
    killed = true;
    await Promise.all(workers);
    await link.close();
    expect(shown.filter(({ successes }) => successes > 1)).toEqual([]);
  }
  expect(shown.filter(({ successes }) => successes === 1).length).toBeGreaterThan(KILLS / 2);
  await broker.stop();
});
