// Versions of the policy: set while the broker runs, tried out before, kept over a restart, each with its reason.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parsePolicy } from '../../config/policy.js';
import { type AdminAnswer, AdminClient } from '../../testing/admin-client.js';
import { BrokerFixture } from '../../testing/broker-fixture.js';
import { TestPeer } from '../../testing/test-peer.js';
import { changedFields } from './compare-policies.js';
import { decidePolicyEffect, type NetworkSurvey } from './decide-policy-effect.js';
import { fieldsThatWait, RESTART_FIELDS, runningPolicy } from './restart-fields.js';

const reason = 'for the test';
const CURRENT = '/v1/admin/policies/current';
const GiB = 1024 ** 3;
const HOUR_MS = 3_600_000;

let fixture: BrokerFixture;
let operator: AdminClient;

beforeAll(async () => {
  fixture = await BrokerFixture.start();
  operator = await AdminClient.as(fixture, 'operator');
});
afterAll(() => fixture.remove());

const current = async (): Promise<{ version: number; written: object; policy: Record<string, unknown> }> =>
  (await operator.get(CURRENT)).body as never;

/** The current version with these fields. */
async function set(fields: object, query = ''): Promise<AdminAnswer> {
  const { version: basedOn, written } = await current();
  return operator.put(`${CURRENT}${query}`, { policy: { ...written, ...fields }, basedOn, reason });
}

describe('a version of the policy', () => {
  it('holds for the running broker as soon as it is set, and after a restart', async () => {
    const before = await current();
    const peer = await TestPeer.enrol(fixture);
    const available = async (of: TestPeer): Promise<unknown> =>
      ((await operator.get(`/v1/admin/accounts/${of.enrolled.accountId}`)).body.credit as { available: string })
        .available;
    expect(await available(peer)).toBe(String(before.policy.openingCreditBytes));
    const answer = await set({ openingCreditBytes: 7 * GiB, presenceIntervalMs: 12_345 });
    expect(answer.body).toMatchObject({ version: before.version + 1, waitsForRestart: [] });
    expect((answer.body.changes as { field: string }[]).map(({ field }) => field)).toEqual([
      'openingCreditBytes',
      'presenceIntervalMs',
    ]);
    expect(await available(await TestPeer.enrol(fixture))).toBe(String(7 * GiB));
    expect((await peer.post('/v1/presence', { host: null, program: 'test' })).body).toMatchObject({
      nextPresenceMs: 12_345,
    });
    await fixture.stop();
    await fixture.startAgain();
    expect(await current()).toMatchObject({ version: before.version + 1, policy: { openingCreditBytes: 7 * GiB } });
    expect(await available(await TestPeer.enrol(fixture))).toBe(String(7 * GiB));
  });

  it('is listed with who made it and why, and can be set again', async () => {
    const { version, written } = await current();
    await set({ openingCreditBytes: 1 });
    const versions = (await operator.get('/v1/admin/policies?limit=2')).body;
    expect(versions.items).toMatchObject([
      { version: version + 1, origin: 'admin', reason },
      { version, origin: 'admin' },
    ]);
    const old = (await operator.get(`/v1/admin/policies/${version}`)).body;
    expect(old).toMatchObject({ written });
    expect((await operator.put(CURRENT, { policy: old.written, basedOn: version + 1, reason })).status).toBe(200);
    expect((await current()).written).toEqual(written);
    expect((await operator.get('/v1/admin/policies/999')).code).toBe('policy_version_unknown');
    expect((await operator.get('/v1/admin/policies/first')).code).toBe('policy_version_unknown');
  });

  it('is refused when it is none, or made from one that is not the last', async () => {
    const { version } = await current();
    expect((await set({ presenceTtlMs: 100, presenceIntervalMs: 200 })).code).toBe('policy_invalid');
    expect((await set({ madeUp: true })).code).toBe('policy_invalid');
    const late = { policy: {}, basedOn: version - 1, reason };
    expect((await operator.put(CURRENT, late)).code).toBe('policy_changed');
    expect((await operator.put(`${CURRENT}?dryRun=true`, late)).code).toBe('policy_changed');
    const both = await Promise.all([set({ openingCreditBytes: 2 }), set({ openingCreditBytes: 3 })]);
    expect(both.map(({ code }) => code).sort()).toEqual(['policy_changed', undefined]);
    expect((await current()).version).toBe(version + 1);
  });

  it('is set once under an idempotency key, and answered the same', async () => {
    const { version: basedOn, written } = await current();
    const request = { policy: { ...written, openingCreditBytes: 11 }, basedOn, reason };
    const headers = { 'idempotency-key': 'once' };
    const first = await operator.put(CURRENT, request, headers);
    expect((await operator.put(CURRENT, request, headers)).body).toEqual(first.body);
    expect((await current()).version).toBe(basedOn + 1);
  });

  it('waits for a restart in fields that something holds', async () => {
    const answer = await set({ enrolmentsPerMinute: 77, presenceIntervalMs: 10_000 });
    expect(answer.body.waitsForRestart).toEqual(['enrolmentsPerMinute']);
    expect((await operator.get(CURRENT)).body).toMatchObject({
      policy: { enrolmentsPerMinute: 77 },
      waitsForRestart: ['enrolmentsPerMinute'],
    });
    await fixture.stop();
    await fixture.startAgain();
    expect((await operator.get(CURRENT)).body.waitsForRestart).toEqual([]);
  });

  it('comes from policy.json when that was changed since it was read last, and only then', async () => {
    const own = await BrokerFixture.start({ openingCreditBytes: 1 });
    try {
      const client = await AdminClient.as(own, 'operator');
      const read = async (): Promise<unknown> => (await client.get(CURRENT)).body;
      expect(await read()).toMatchObject({ version: 1, origin: 'file', policy: { openingCreditBytes: 1 } });
      await client.put(CURRENT, { policy: { probeHosts: false, openingCreditBytes: 2 }, basedOn: 1, reason });
      await own.stop();
      await own.startAgain();
      expect(await read()).toMatchObject({ version: 2, origin: 'admin', policy: { openingCreditBytes: 2 } });
      await own.stop();
      await own.startAgain({ openingCreditBytes: 3 });
      expect(await read()).toMatchObject({ version: 3, origin: 'file', policy: { openingCreditBytes: 3 } });
      await own.stop();
      await own.startAgain();
      expect(await read()).toMatchObject({ version: 3 });
      expect(await own.broker.checkAdminLog()).toMatchObject({ faults: [] });
    } finally {
      await own.remove();
    }
  });
});

describe('a dry run', () => {
  it('changes nothing, and tells what the version would', async () => {
    for (let i = 0; i < 3; i++) await TestPeer.enrolHost(fixture);
    const { version, policy } = await current();
    const { length } = (await operator.get('/v1/admin/log?limit=1000')).body.items as unknown[];
    const answer = await set(
      { redundancy: [{ hosts: 3, dataShards: 1, totalShards: 3, safeShards: 2 }] },
      '?dryRun=true',
    );
    expect(answer.body).toMatchObject({ version: null, effect: { eligibleHosts: { before: 3, after: 3 } } });
    expect((answer.body.effect as { redundancy: unknown }).redundancy).toContainEqual({
      durability: 'second-copy',
      before: { dataShards: 2, totalShards: 3, safeShards: 3 },
      after: { dataShards: 1, totalShards: 3, safeShards: 2 },
    });
    expect(await current()).toMatchObject({ version, policy });
    expect((await operator.get('/v1/admin/log?limit=1000')).body.items).toHaveLength(length);
  });

  const SURVEY: NetworkSurvey = {
    nowMs: 1_000_000,
    hosts: [1_000_000, 970_000, 940_000, 900_000].map((seenAtMs) => ({ seenAtMs, freeBytes: GiB })),
    objects: [
      { durability: 'second-copy', dataShards: 2, totalShards: 3, safeShards: 3, storedShards: 3, objects: 5 },
      { durability: 'second-copy', dataShards: 2, totalShards: 3, safeShards: 3, storedShards: 2, objects: 7 },
      { durability: 'second-copy', dataShards: 4, totalShards: 6, safeShards: 5, storedShards: 6, objects: 11 },
    ],
    keysCreatedAtMs: [0],
    accounts: 9,
    earningAccounts: 4,
  };
  const policy = parsePolicy({});

  it.each([
    ['nothing', {}, { eligibleHosts: { before: 3, after: 3 }, accounts: { total: 9, affected: 0 } }],
    ['who counts as online', { presenceTtlMs: 40_000 }, { eligibleHosts: { before: 3, after: 2 } }],
    [
      'how many shards are safe',
      { redundancy: [{ hosts: 3, dataShards: 2, totalShards: 3, safeShards: 2 }] },
      { objects: { total: 23, belowThreshold: { before: 7, after: 0 }, ofAnotherCode: { before: 11, after: 11 } } },
    ],
    [
      'which code new objects have',
      { redundancy: [{ hosts: 1, dataShards: 1, totalShards: 1, safeShards: 1 }] },
      { objects: { total: 23, belowThreshold: { before: 7, after: 7 }, ofAnotherCode: { before: 11, after: 23 } } },
    ],
    ['what is earned', { exchange: { windowDays: 10 } }, { accounts: { total: 9, affected: 4 } }],
  ])('tells of %s', (_what, fields, effect) => {
    expect(decidePolicyEffect(SURVEY, policy, parsePolicy(fields))).toMatchObject(effect);
  });
});

describe('fields that wait for a restart', () => {
  it('keep their values in the running policy, which is one that may stand', () => {
    const before = parsePolicy({});
    const lives = {
      tokenLifeMs: 1_000,
      longTokenLifeMs: 1_000,
      universalTokenLifeMs: 1_000,
      transactionKeyLifeMs: HOUR_MS,
    };
    const next = parsePolicy({ ...lives, enrolmentsPerMinute: 1, openingCreditBytes: 1 });
    const running = runningPolicy(next, before);
    expect(running).toMatchObject({ enrolmentsPerMinute: before.enrolmentsPerMinute, openingCreditBytes: 1 });
    expect(fieldsThatWait(next, running).sort()).toEqual(['enrolmentsPerMinute', ...Object.keys(lives)].sort());
    expect(parsePolicy(running)).toEqual(running);
  });

  it('are all those that some part reads at its start and holds', () => {
    const folder = join(import.meta.dirname, '..', '..');
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    const held = files
      .filter((path) => path.endsWith('.ts') && !path.endsWith('.spec.ts') && !path.includes('testing'))
      .flatMap((path) => [...readFileSync(join(folder, path), 'utf8').matchAll(/(?<!this\.)settings\.policy\.(\w+)/g)])
      .map(([, field]) => field!);
    expect(held.length).toBeGreaterThan(3);
    expect(held.filter((field) => !RESTART_FIELDS.some((known) => known === field))).toEqual([]);
  });
});

describe('two policies', () => {
  it('are compared field by field', () => {
    const from = { a: 1, b: { c: [1], d: 2 }, gone: true };
    expect(changedFields(from, { a: 1, b: { c: [2], d: 2 }, come: null })).toEqual([
      { field: 'b.c', from: [1], to: [2] },
      { field: 'come', from: null, to: null },
      { field: 'gone', from: true, to: null },
    ]);
  });
});
