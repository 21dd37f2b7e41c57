// Transaction keys through the running broker: each is given to one peer only (B3), and is renewed by age or by use (B5).
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type PresenceAnswer, TransactionKey, unwrapTransactionKey } from '#protocol';
import { longestTokenLifeMs, parsePolicy } from '../config/policy.js';
import { KEY_POOL_SIZE } from '../limits.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { BrokerFixture } from '../testing/broker-fixture.js';
import { beginPut, enrol, makeIdentity, someObject, someShard, TestPeer } from '../testing/test-peer.js';

const HOUR_MS = 60 * 60_000;
const ONE_SHARD = { hosts: 1, dataShards: 1, totalShards: 1, safeShards: 1 };

let fixture: BrokerFixture;

async function rows<T>(sql: string): Promise<T[]> {
  const database = await BrokerDatabase.open(join(fixture.dataDir, 'broker.db'));
  try {
    return await database.reads.query<T[]>(sql);
  } finally {
    await database.close();
  }
}

const isDue = async (peer: TestPeer): Promise<boolean> =>
  (await peer.post<PresenceAnswer>('/v1/presence', { host: null, program: 'test' })).body.renewTransactionKey;

async function renew(peer: TestPeer): Promise<TransactionKey> {
  const { body } = await peer.post<{ wrappedKey: string }>('/v1/transaction-keys', {});
  return unwrapTransactionKey(body.wrappedKey, peer.key, peer.peerId);
}

describe('keys drawn ahead of time', () => {
  afterEach(() => fixture.remove());

  it('go to one peer each, when many enrol at once, enrolments fail, and the broker is killed between (B3, B4)', async () => {
    fixture = await BrokerFixture.start({ enrolmentsPerMinute: 100_000 });
    const given: string[] = [];
    for (let round = 0; round < 3; round++) {
      const { key } = await fixture.broker.createEnrolmentKey({ uses: 40 });
      const one = async (credential: string): Promise<void> => {
        const { csr } = await makeIdentity();
        const answer = await enrol(fixture, { csr, credential: { kind: 'enrolment-key', key: credential } });
        if (answer.status === 200) given.push(answer.body.transactionKey);
        else expect(answer.code).toBe('enrolment_key_invalid');
      };
      // More than the key lets in: the units of the others are undone.
      await Promise.all(Array.from({ length: 44 }, () => one(key)));
      await fixture.broker.kill();
      fixture.clock.advance(1_000);
      await fixture.startAgain();
    }
    expect([given.length, new Set(given).size]).toEqual([120, 120]);
    const stored = await rows<{ kid: string }>('SELECT kid FROM transaction_keys');
    const kids = given.map((text) => new TransactionKey(Buffer.from(text, 'base64')).kid);
    expect(stored.map(({ kid }) => kid).sort()).toEqual(kids.sort());
    // 40 of a round are fewer than the pool holds: all of them were drawn ahead of time.
    expect(KEY_POOL_SIZE).toBeGreaterThan(44);
  });
});

describe('renewal', () => {
  afterEach(() => fixture.remove());

  it('is due by age, and no more when the next key is in use (B5)', async () => {
    fixture = await BrokerFixture.start({ transactionKeyLifeMs: 48 * HOUR_MS });
    const peer = await TestPeer.enrol(fixture);
    fixture.clock.advance(48 * HOUR_MS - 1);
    expect(await isDue(peer)).toBe(false);
    fixture.clock.advance(1);
    expect(await isDue(peer)).toBe(true);
    expect((await peer.get<{ renewTransactionKey: boolean }>('/v1/peers/me')).body.renewTransactionKey).toBe(true);
    peer.key = await renew(peer);
    expect(await isDue(peer)).toBe(false);
  });

  it('is due after a number of transactions, of the host and of the client, over a restart and a crash (B5)', async () => {
    fixture = await BrokerFixture.start({ transactionKeyTokensMax: 6, redundancy: [ONE_SHARD] });
    const [client, host] = [await TestPeer.enrol(fixture), await TestPeer.enrolHost(fixture)];
    const transact = async (times: number): Promise<void> => {
      for (let i = 0; i < times; i++) {
        await beginPut(client, someObject(fixture, { dataShards: 1, totalShards: 1, shards: [someShard(0)] }));
      }
    };
    const again = async (): Promise<void> => {
      fixture.clock.advance(1_000);
      await fixture.startAgain();
      await host.announce();
    };
    await transact(2);
    await fixture.stop();
    await again();
    await transact(2);
    await fixture.broker.writeCountsNow();
    await fixture.broker.kill();
    await again();
    await transact(1);
    expect([await isDue(client), await isDue(host)]).toEqual([false, false]);
    await host.announce();
    await transact(1);
    expect([await isDue(client), await isDue(host)]).toEqual([true, true]);
    for (const peer of [client, host]) {
      peer.key = await renew(peer);
      expect(await isDue(peer)).toBe(false);
    }
  });
});

describe('a token', () => {
  it('never outlives its key: the policy is refused otherwise, and follows the longest life of any kind (B5)', () => {
    const lives = { tokenLifeMs: 60_000, universalTokenLifeMs: 120_000, longTokenLifeMs: 4 * HOUR_MS };
    expect(longestTokenLifeMs(parsePolicy(lives))).toBe(4 * HOUR_MS);
    expect(longestTokenLifeMs(parsePolicy({ ...lives, universalTokenLifeMs: HOUR_MS, longTokenLifeMs: 1_000 }))).toBe(
      HOUR_MS,
    );
    const skewsMs = 10 * 60_000;
    const keyLife = (ms: number) => ({ ...lives, transactionKeyLifeMs: ms });
    expect(() => parsePolicy(keyLife(4 * HOUR_MS + skewsMs + 1))).not.toThrow();
    expect(() => parsePolicy(keyLife(4 * HOUR_MS + skewsMs))).toThrow(
      expect.objectContaining({ code: 'policy_invalid' }),
    );
  });
});
