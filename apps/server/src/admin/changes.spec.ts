// Changes through the admin interface: each in the log, in a chain that no hand can mend, and once for each idempotency key.
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeMany, type SqlValue } from '#database';
import { BrokerDatabase } from '../platform/broker-database.js';
import { type AdminAnswer, AdminClient } from '../testing/admin-client.js';
import { BrokerFixture } from '../testing/broker-fixture.js';
import { enrol, makeIdentity, readDataFile, TestPeer } from '../testing/test-peer.js';
import { ANSWERS_KEPT_MS, ANSWERS_PER_KEY_MAX } from './limits.js';

const reason = 'for the test';

let fixture: BrokerFixture;
let operator: AdminClient;

beforeAll(async () => {
  fixture = await BrokerFixture.start();
  operator = await AdminClient.as(fixture, 'operator');
});
afterAll(() => fixture.remove());

const create = (idempotencyKey: string, body: object = { reason }, client = operator): Promise<AdminAnswer> =>
  client.post('/v1/admin/enrolment-keys', body, { 'idempotency-key': idempotencyKey });
const enrolWith = async (key: unknown): Promise<string | undefined> => {
  const { csr } = await makeIdentity();
  return (await enrol(fixture, { csr, credential: { kind: 'enrolment-key', key: String(key) } })).code;
};
const logged = async (query = ''): Promise<Record<string, unknown>[]> =>
  (await operator.get(`/v1/admin/log${query}`)).body.items as Record<string, unknown>[];

/** As somebody does who can write in the database. */
async function tamper(sql: string, parameters: SqlValue[] = []): Promise<void> {
  const database = await BrokerDatabase.open(join(fixture.dataDir, 'broker.db'));
  try {
    await database.write((db) => changeMany(db, sql, parameters));
  } finally {
    await database.close();
  }
}

describe('the log', () => {
  it('has every change with who made it and why, newest first', async () => {
    const peer = await TestPeer.enrol(fixture);
    const path = `/v1/admin/peers/${peer.peerId}`;
    const { keyId } = (await operator.get('/v1/admin')).body;
    expect((await operator.post(`${path}/suspend`, { reason: 'it lies' })).body).toMatchObject({ state: 'suspended' });
    expect((await peer.get('/v1/peers/me')).code).toBe('peer_suspended');
    await operator.post(`${path}/suspend`, { reason: 'again, which changes nothing' });
    await operator.post(`${path}/resume`, { reason: 'it was a mistake' });
    const subject = `peer/${peer.peerId}`;
    expect(await logged(`?subject=${subject}`)).toMatchObject([
      { actor: keyId, action: 'peer.resume', subject, reason: 'it was a mistake' },
      { actor: keyId, action: 'peer.suspend', subject, reason: 'it lies', details: { to: 'suspended' } },
    ]);
    const entries = await logged();
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, i) => entries.length - i));
    expect(await fixture.broker.checkAdminLog()).toMatchObject({ entries: entries.length, faults: [] });
  });

  it.each([
    ['a reason that was rewritten', "UPDATE admin_log SET reason = 'nothing' WHERE seq = $1", 2],
    ['an actor', "UPDATE admin_log SET actor = 'somebody' WHERE seq = $1", 1],
    ['details', "UPDATE admin_log SET details = '{}' WHERE seq = $1", 2],
    ['a time', 'UPDATE admin_log SET at_ms = at_ms + 1 WHERE seq = $1', 3],
    ['an entry taken out', 'DELETE FROM admin_log WHERE seq = $1', 2],
    ['the last entry taken out', 'DELETE FROM admin_log WHERE seq = (SELECT MAX(seq) FROM admin_log) AND $1 > 0', 1],
    ['a hash', "UPDATE admin_log SET hash = 'x' WHERE seq = $1", 2],
    ['the head', "UPDATE admin_log_head SET hash = 'x' WHERE id = $1", 1],
  ])('shows %s', async (_what, sql, parameter) => {
    const rows = (await logged('?limit=1000')).reverse();
    expect((await fixture.broker.checkAdminLog()).faults).toEqual([]);
    await tamper(sql, [parameter]);
    expect((await fixture.broker.checkAdminLog()).faults).toHaveLength(1);
    const health = await operator.get('/v1/admin/health?deep=true');
    expect(health.body).toMatchObject({ state: 'failed' });
    await restore(rows);
    expect((await fixture.broker.checkAdminLog()).faults).toEqual([]);
  });

  async function restore(rows: readonly Record<string, unknown>[]): Promise<void> {
    await tamper('DELETE FROM admin_log WHERE seq > $1', [0]);
    for (const { seq, at, actor, action, subject, reason, details, hash } of rows) {
      const values = [seq, Date.parse(String(at)), actor, action, subject, reason, JSON.stringify(details), hash];
      await tamper(
        `INSERT INTO admin_log (seq, at_ms, actor, action, subject, reason, details, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
        values as SqlValue[],
      );
    }
    await tamper('UPDATE admin_log_head SET hash = $1 WHERE id = 1', [String(rows.at(-1)?.hash)]);
  }
});

describe('an idempotency key', () => {
  it('has a request done once, and answered the same', async () => {
    const key = randomUUID();
    const first = await create(key);
    expect(first.status).toBe(200);
    const entries = (await logged()).length;
    const again = await create(key);
    expect(again.body).toEqual(first.body);
    expect(await logged()).toHaveLength(entries);
    const many = await Promise.all(Array.from({ length: 8 }, () => create('all-at-once')));
    expect(new Set(many.map(({ body }) => body.key)).size).toBe(1);
    expect(await enrolWith(first.body.key)).toBeUndefined();
    expect(await enrolWith(first.body.key)).toBe('enrolment_key_invalid');
  });

  it('has the same answer under another key-encryption key', async () => {
    const first = await create('over-a-rotation');
    const { body } = await operator.post('/v1/admin/key-rotations', { reason });
    await fixture.broker.noticeChangesNow();
    const [rotation] = (await operator.get('/v1/admin/key-rotations')).body.items as Record<string, unknown>[];
    expect(rotation).toMatchObject({ rotationId: body.rotationId, finishedAt: expect.any(String) });
    expect((await create('over-a-rotation')).body).toEqual(first.body);
  });

  it('is refused for another request', async () => {
    await create('one-request');
    expect((await create('one-request', { reason: 'another' })).code).toBe('idempotency_key_reused');
    const elsewhere = await operator.post('/v1/admin/key-rotations', { reason }, { 'idempotency-key': 'one-request' });
    expect(elsewhere.code).toBe('idempotency_key_reused');
  });

  it('belongs to one admin key', async () => {
    const other = await AdminClient.as(fixture, 'operator');
    const first = await create('of-two');
    expect((await create('of-two', { reason }, other)).body.key).not.toBe(first.body.key);
  });

  it('is forgotten after a day, and a refusal is not kept', async () => {
    const body = { reason, account: '0199f1e0-0000-7000-8000-000000000000' };
    expect((await create('tomorrow', body)).code).toBe('account_unknown');
    const first = await create('tomorrow');
    expect(first.status).toBe(200);
    const long = new AdminClient(fixture, {
      authorization: `Bearer ${await fixture.broker.createAdminKey({ lifeMs: 3 * ANSWERS_KEPT_MS })}`,
    });
    const before = await create('later', { reason }, long);
    fixture.clock.advance(ANSWERS_KEPT_MS);
    const after = await create('later', { reason }, long);
    expect(after.status).toBe(200);
    expect(after.body.key).not.toBe(before.body.key);
    operator = await AdminClient.as(fixture, 'operator');
  });

  it.each(['', ' ', 'two words', 'x'.repeat(129)])('is refused when it is none: %j', async (key) => {
    expect((await create(key)).code).toBe('request_invalid');
  });

  it('is bounded in how many answers are kept of one admin key', async () => {
    const { keyId } = (await operator.get('/v1/admin')).body;
    await tamper(
      `INSERT INTO admin_answers (key_id, idempotency_key, request_hash, sealed_answer, expires_at_ms)
       WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${ANSWERS_PER_KEY_MAX})
       SELECT $1, 'filled-' || n, '', '', $2 FROM numbers`,
      [String(keyId), fixture.clock.nowMs() + 1_000],
    );
    expect((await create('one-too-many')).code).toBe('rate_exceeded');
    fixture.clock.advance(1_000);
    expect((await create('one-too-many')).status).toBe(200);
  });
});

describe('secrets', () => {
  it('are told once, and lie nowhere in the data directory', async () => {
    const { body } = await create(randomUUID());
    const [, adminKey] = operator.headers.authorization!.split(' ');
    await fixture.stop();
    const kept = await readDataFile(fixture, 'broker.db');
    expect(kept.includes(String(body.enrolmentKeyId))).toBe(true);
    for (const secret of [String(body.key), adminKey!]) expect(kept.includes(secret)).toBe(false);
    await fixture.startAgain();
    const lists = ['enrolment-keys', 'keys', 'log?limit=1000', 'policies/current', 'accounts', 'peers'];
    for (const list of lists) {
      const { status, text } = await operator.get(`/v1/admin/${list}`);
      expect(status).toBe(200);
      for (const secret of [String(body.key), adminKey!]) expect(text).not.toContain(secret);
    }
  });
});

describe('rates', () => {
  it('bound how often one key asks, and how often one network does without any', async () => {
    const { requestsPerMinute, networkRequestsPerMinute } = { requestsPerMinute: 5, networkRequestsPerMinute: 12 };
    const limited = await BrokerFixture.start({ admin: { requestsPerMinute, networkRequestsPerMinute } });
    try {
      const client = await AdminClient.as(limited, 'viewer');
      const answers: number[] = [];
      for (let i = 0; i < 6; i++) answers.push((await client.get('/v1/admin')).status);
      expect(answers).toEqual([200, 200, 200, 200, 200, 429]);
      const nobody = new AdminClient(limited, {});
      const refused: number[] = [];
      for (let i = 0; i < 7; i++) refused.push((await nobody.get('/v1/admin')).status);
      expect(refused).toEqual([401, 401, 401, 401, 401, 401, 429]);
      limited.clock.advance(60_000);
      expect((await client.get('/v1/admin')).status).toBe(200);
    } finally {
      await limited.remove();
    }
  });
});
