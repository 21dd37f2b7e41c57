// Audits of real hosts, and of hosts that run other programs (B23, B25): declared but absent disk, accept then drop, audits
// that are dodged, a broker that restarts in the middle, and a broker whose own network is cut.
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ContentId, ObjectId } from '#protocol';
import { AuditedHost } from './audited-host.js';
import { corruptShard } from './corrupt-shard.js';
import { shareWorld } from './shared-world.js';
import type { WorldClient, WorldHost } from './world.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Audits of one host are so far apart on average, and half as far again at most. All tests take less than 12 hours. */
const APART_MS = 6 * MINUTE_MS;
const SUSPICION_FACTOR = 8;
const PAUSE_MS = MINUTE_MS;
const world = shareWorld({
  hosts: 6,
  policy: {
    presenceIntervalMs: 12 * HOUR_MS,
    presenceTtlMs: 24 * HOUR_MS,
    probeIntervalMs: 24 * HOUR_MS,
    audits: {
      perHostPerDay: (24 * HOUR_MS) / APART_MS,
      perHostPerDayMax: (24 * HOUR_MS) / APART_MS,
      suspicionFactor: SUSPICION_FACTOR,
      containedPauseMs: PAUSE_MS,
      containedAsksMax: 3,
      containedForMs: 5 * PAUSE_MS,
    },
  },
});
const replaced: AuditedHost[] = [];
let client: WorldClient;

beforeAll(async () => {
  client = await world().addClient('owner');
  for (let i = 0; i < 3; i++) {
    await client.backup(await world().writeFiles(`files-${i}`, { 'a.bin': randomBytes(400_000) }));
  }
  await world().settle();
});
afterEach(async () => {
  for (const host of replaced.splice(0)) await host.close();
});

/** All hosts are due, also those whose challenge is open; one round. */
async function nextRound(ms = 2 * APART_MS): Promise<void> {
  world().clock.advance(ms);
  // The first joins a round that the clock began; the second finds those that are due after it.
  await world().broker.auditHostsNow();
  await world().broker.auditHostsNow();
}

interface Days {
  readonly outcome: string;
  readonly audits: number;
}

async function outcomesOf(host: WorldHost): Promise<Record<string, number>> {
  const rows = await world().brokerRows<Days>(
    'SELECT outcome, SUM(audits) AS audits FROM audit_days WHERE host_id = $1 GROUP BY outcome',
    [host.peerId],
  );
  return Object.fromEntries(rows.map(({ outcome, audits }) => [outcome, Number(audits)]));
}

interface Score {
  readonly good: number;
  readonly bad: number;
  readonly verdict: string;
}

async function scoreOf(host: WorldHost): Promise<Score | undefined> {
  const [row] = await world().brokerRows<Score>('SELECT good, bad, verdict FROM audit_scores WHERE host_id = $1', [
    host.peerId,
  ]);
  return row;
}

async function stateOf(host: WorldHost): Promise<string> {
  const [row] = await world().brokerRows<{ state: string }>('SELECT state FROM peers WHERE id = $1', [host.peerId]);
  return row!.state;
}

interface Pending {
  readonly cid: ContentId;
  readonly block: number;
  readonly unanswered: number;
}

async function pendingOf(host: WorldHost): Promise<Pending | undefined> {
  const [row] = await world().brokerRows<Pending>(
    'SELECT cid, block, unanswered FROM audits_pending WHERE host_id = $1',
    [host.peerId],
  );
  return row;
}

async function shardsOf(host: WorldHost): Promise<number> {
  const [row] = await world().brokerRows<{ n: number }>(
    "SELECT COUNT(*) AS n FROM shards WHERE host_id = $1 AND state = 'stored'",
    [host.peerId],
  );
  return Number(row!.n);
}

/** Its owner deletes the object that the shard is of; the host does not hear of it. */
async function deleteObjectOf(cid: ContentId): Promise<void> {
  const [object] = await world().brokerRows<{ id: ObjectId }>('SELECT object_id AS id FROM shards WHERE cid = $1', [
    cid,
  ]);
  await world().askBroker(client, (broker) => broker.beginDelete({ objectIds: [object!.id] }));
}

/** Every object counts exactly the shards that hosts hold of it. */
async function expectCountsHold(): Promise<void> {
  const wrong = await world().brokerRows(
    `SELECT id FROM objects WHERE stored_shards <>
       (SELECT COUNT(*) FROM shards WHERE object_id = objects.id AND state = 'stored')`,
  );
  expect(wrong).toEqual([]);
}

describe('a scrub (B18)', () => {
  it('finds what has rotted before an audit does: the host tells the broker, and has failed nothing', async () => {
    const host = world().hosts[5]!;
    const before = await shardsOf(host);
    const [shard] = await world().brokerRows<{ cid: ContentId }>(
      "SELECT cid FROM shards WHERE host_id = $1 AND state = 'stored' ORDER BY size_bytes DESC LIMIT 1",
      [host.peerId],
    );
    await host.damage(shard!.cid);
    for (let i = 0; i < 20 && (await roundsOf(host)) === 0; i++) await host.agent.triggers.scrub();
    expect(await roundsOf(host)).toBe(1);
    expect(await shardsOf(host)).toBe(before - 1);
    expect(await host.rows('SELECT cid FROM shard WHERE cid = $1', [shard!.cid])).toEqual([]);
    await expectCountsHold();
    await nextRound();
    expect(Object.keys(await outcomesOf(host))).toEqual(['ok']);
  });
});

describe('honest hosts (B23)', () => {
  it('show one random block each, again and again', async () => {
    await nextRound();
    const first = await outcomesOf(world().hosts[0]!);
    await nextRound();
    for (const host of world().hosts) {
      const outcomes = await outcomesOf(host);
      expect(Object.keys(outcomes)).toEqual(['ok']);
      expect(await scoreOf(host)).toMatchObject({ bad: 0, verdict: 'ok' });
      expect(await pendingOf(host)).toBeUndefined();
    }
    expect((await outcomesOf(world().hosts[0]!)).ok).toBeGreaterThan(first.ok!);
  });

  it('stay clean while the network of the broker is cut: nobody is at fault but the broker', async () => {
    const scores = await Promise.all(world().hosts.map(scoreOf));
    const states = await Promise.all(world().hosts.map(stateOf));
    for (const host of world().hosts) await host.kill();
    await nextRound();
    await nextRound();
    for (const [i, host] of world().hosts.entries()) {
      expect(await scoreOf(host)).toEqual(scores[i]);
      expect(await stateOf(host)).toBe(states[i]);
      expect(Object.keys(await outcomesOf(host)).sort()).toEqual(['broker_at_fault', 'ok']);
      expect(await pendingOf(host)).toMatchObject({ unanswered: 0 });
    }
    for (const host of world().hosts) await host.start();
    const before = await outcomesOf(world().hosts[0]!);
    await nextRound();
    expect((await outcomesOf(world().hosts[0]!)).ok).toBeGreaterThan(before.ok!);
    for (const host of world().hosts) expect(await pendingOf(host)).toBeUndefined();
  });
});

describe('a host that is asked for what it has not (B25)', () => {
  it('and has declared a disk that is not there is suspicious, asked more often, and suspended', async () => {
    const host = world().hosts[0]!;
    const before = await shardsOf(host);
    expect(before).toBeGreaterThan(3);
    await rm(host.shardFolder, { recursive: true });
    await nextRound();
    const { failed } = await outcomesOf(host);
    expect(failed).toBeGreaterThanOrEqual(1);
    expect(await shardsOf(host)).toBe(before - failed!);
    expect(await scoreOf(host)).toMatchObject({ verdict: 'suspicious' });
    const [due] = await world().brokerRows<{ due_at_ms: number }>(
      'SELECT due_at_ms FROM audit_scores WHERE host_id = $1',
      [host.peerId],
    );
    const soonMs = Math.ceil((1.5 * APART_MS) / SUSPICION_FACTOR);
    expect(Number(due!.due_at_ms)).toBeLessThanOrEqual(world().clock.nowMs() + soonMs);
    for (let i = 0; i < 6 && (await stateOf(host)) !== 'suspended'; i++) await nextRound(2 * MINUTE_MS);
    expect(await stateOf(host)).toBe('suspended');
    const [change] = await world().brokerRows('SELECT state_changed_by, state_code FROM peers WHERE id = $1', [
      host.peerId,
    ]);
    expect(change).toEqual({ state_changed_by: 'broker', state_code: 'audits_failed' });
    // What it has backed up itself is its own as before; only an operator takes that away.
    const { state, stateChange } = await world().askBroker(host, (broker) => broker.peerStatus());
    expect({ state, code: stateChange?.code }).toEqual({ state: 'suspended', code: 'audits_failed' });
    await expectCountsHold();
    const audits = (await outcomesOf(host)).failed!;
    await nextRound();
    expect((await outcomesOf(host)).failed).toBe(audits);
  });

  it.each(['shows nothing', 'knows nothing'] as const)(
    'because it accepts and drops fails, whether it %s',
    async (manner) => {
      const host = world().hosts[manner === 'shows nothing' ? 1 : 2]!;
      const before = await shardsOf(host);
      const liar = await AuditedHost.replace(world(), host, manner);
      replaced.push(liar);
      await nextRound();
      const { failed } = await outcomesOf(host);
      expect(failed).toBeGreaterThanOrEqual(1);
      expect(liar.audits).toHaveLength(failed!);
      // What it failed to show is not there, is not asked for again, and is no part of its object any more.
      expect(new Set(liar.audits.map(({ path }) => path)).size).toBe(failed);
      expect(await shardsOf(host)).toBe(before - failed!);
      expect(await scoreOf(host)).toMatchObject({ verdict: expect.stringMatching(/^susp/) });
      await expectCountsHold();
    },
  );
});

describe('a host that dodges (B25)', () => {
  it('is asked the same again, also by a broker that restarted, until that counts as failed', async () => {
    const host = world().hosts[3]!;
    const before = await shardsOf(host);
    const score = await scoreOf(host);
    const dodger = await AuditedHost.replace(world(), host, 'keeps silent');
    replaced.push(dodger);
    world().clock.advance(2 * APART_MS);
    const isAsked = dodger.nextAudit();
    const round = world().broker.auditHostsNow();
    await isAsked;
    // The broker dies while it waits for the answer.
    await world().broker.kill();
    await round;
    dodger.manner = 'hangs up';
    await world().startBroker();
    const begun = (await pendingOf(host))!;
    expect(begun.unanswered).toBe(0);
    await nextRound(2 * PAUSE_MS);
    const challenge = (await pendingOf(host))!;
    expect(challenge).toMatchObject({ cid: begun.cid, block: begun.block });
    expect(challenge.unanswered).toBeGreaterThanOrEqual(1);
    await world().broker.stop();
    await world().startBroker();
    expect(await pendingOf(host)).toEqual(challenge);
    dodger.manner = 'is busy';
    await nextRound(2 * PAUSE_MS);
    expect(await pendingOf(host)).toMatchObject({ cid: challenge.cid, block: challenge.block });
    expect(await scoreOf(host)).toMatchObject(score!);
    expect(new Set(dodger.audits.map(({ path, body }) => path + body)).size).toBe(1);
    expect(dodger.audits[0]).toEqual({
      path: `/audits/${challenge.cid}`,
      body: JSON.stringify({ blocks: [challenge.block] }),
    });
    // Offline meanwhile counts for nothing: neither for nor against it.
    dodger.answersProbes = false;
    dodger.manner = 'hangs up';
    const { unanswered } = (await pendingOf(host))!;
    await nextRound(2 * PAUSE_MS);
    expect(await pendingOf(host)).toMatchObject({ cid: challenge.cid, block: challenge.block, unanswered });
    expect((await outcomesOf(host)).offline).toBeGreaterThanOrEqual(1);
    dodger.answersProbes = true;
    for (let i = 0; i < 5 && (await outcomesOf(host)).failed === undefined; i++) await nextRound(3 * PAUSE_MS);
    expect((await outcomesOf(host)).failed).toBe(1);
    expect(await shardsOf(host)).toBe(before - 1);
    expect(await scoreOf(host)).toMatchObject({ verdict: 'suspicious' });
    await expectCountsHold();
  });

  it('has failed nothing when its shard was deleted meanwhile, and is asked for another', async () => {
    const host = world().hosts[4]!;
    const dodger = await AuditedHost.replace(world(), host, 'is busy');
    await nextRound();
    const { cid } = (await pendingOf(host))!;
    await deleteObjectOf(cid);
    await nextRound();
    const next = (await pendingOf(host))!;
    expect(next.cid).not.toBe(cid);
    dodger.manner = 'keeps silent';
    world().clock.advance(2 * PAUSE_MS);
    const isAsked = dodger.nextAudit();
    const round = world().broker.auditHostsNow();
    await isAsked;
    await deleteObjectOf(next.cid);
    dodger.breakSilence();
    await round;
    expect(await pendingOf(host)).toBeUndefined();
    await dodger.close();
    await host.start();
    await nextRound();
    expect((await outcomesOf(host)).failed).toBeUndefined();
  });

  it('and answers in time has failed nothing: the first answer is to the old question', async () => {
    const host = world().hosts[4]!;
    const score = await scoreOf(host);
    const dodger = await AuditedHost.replace(world(), host, 'is busy');
    await nextRound();
    const challenge = (await pendingOf(host))!;
    expect(challenge.unanswered).toBeGreaterThanOrEqual(1);
    expect(await scoreOf(host)).toMatchObject(score!);
    await dodger.close();
    await host.start();
    const shown = (await outcomesOf(host)).ok ?? 0;
    await nextRound(2 * PAUSE_MS);
    expect((await outcomesOf(host)).ok).toBeGreaterThan(shown);
    expect((await outcomesOf(host)).failed).toBeUndefined();
    expect(await pendingOf(host)).not.toEqual(challenge);
    expect((await scoreOf(host))!.verdict).toBe('ok');
  });
});

describe('rot (B18)', () => {
  it('is found by audits as well', async () => {
    const host = world().hosts[5]!;
    const shards = await world().brokerRows<{ cid: ContentId; size_bytes: number }>(
      "SELECT cid, size_bytes FROM shards WHERE host_id = $1 AND state = 'stored'",
      [host.peerId],
    );
    for (const { cid, size_bytes } of shards) await corruptShard(host.home.path, cid, Number(size_bytes));
    await nextRound();
    const { failed } = await outcomesOf(host);
    expect(failed).toBeGreaterThanOrEqual(1);
    expect(await shardsOf(host)).toBe(shards.length - failed!);
    expect((await scoreOf(host))!.verdict).toMatch(/^susp/);
    await expectCountsHold();
  });

  it('is no excuse for a host that is asked already: a loss that is told then is a failure', async () => {
    const host = world().hosts[4]!;
    const dodger = await AuditedHost.replace(world(), host, 'is busy');
    replaced.push(dodger);
    await nextRound();
    const before = await shardsOf(host);
    const { cid } = (await pendingOf(host))!;
    const tell = () => world().askBroker(host, (broker) => broker.reportLosses({ cids: [cid] }));
    await tell();
    expect((await outcomesOf(host)).failed).toBe(1);
    expect((await scoreOf(host))!.verdict).toBe('suspicious');
    expect(await pendingOf(host)).toBeUndefined();
    expect(await shardsOf(host)).toBe(before - 1);
    await tell();
    expect((await outcomesOf(host)).failed).toBe(1);
    await expectCountsHold();
  });
});

async function roundsOf(host: WorldHost): Promise<number> {
  const [row] = await host.rows<{ rounds: number }>('SELECT rounds FROM scrub_state');
  return Number(row!.rounds);
}
