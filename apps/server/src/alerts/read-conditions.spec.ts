// Each condition: what is bad, what is good again, and what is neither because nothing is known or it is close to the threshold.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { insertRows, WRITE_UNITS_PENDING_MAX } from '#database';
import { FakeClock } from '#process';
import { parsePolicy } from '../config/policy.js';
import { durabilityClassOf } from '../exchange/durability-class.js';
import type { NetworkSample } from '../history/network-sample.js';
import { BrokerMetrics } from '../metrics/broker-metrics.js';
import type { CandidatePool } from '../placement/candidate-pool.js';
import type { OnlineHost } from '../placement/online-hosts.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import type { OnlineRelay } from '../relays/online-relays.js';
import { ALERT_KINDS, type AlertKind } from './alert-kinds.js';
import type { Level } from './decide-alerts.js';
import { type ConditionParts, ReadConditions } from './read-conditions.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

let folder: string;
let database: BrokerDatabase;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'peerkeep-conditions-'));
  database = await BrokerDatabase.open(join(folder, 'broker.db'));
});
afterAll(async () => {
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

const SMALLEST_HOSTS = Math.min(...durabilityClassOf(parsePolicy({}))!.redundancy.map(({ hosts }) => hosts));
const SPACE = { usedBytes: 0n, donatedBytes: 100n };
const clock = new FakeClock(1_795_000_000_000);
const metrics = new BrokerMetrics();
/** A broker that is well, and whose every figure the test may set. */
let now: {
  faults: number | null;
  isAtFault: boolean;
  sample: Partial<NetworkSample> | null;
  expiresInDays: number;
  waitingWrites: number;
  online: number;
  placeable: number;
  relays: boolean[];
  knownRelays: number;
  mails: { sent: number; delayed: number; lost: number };
  policy: object;
};
let conditions: ReadConditions;
beforeEach(async () => {
  now = {
    faults: 0,
    isAtFault: false,
    sample: { objectsAtRisk: 0 },
    expiresInDays: 100,
    waitingWrites: 0,
    online: 100,
    placeable: 100,
    relays: [false],
    knownRelays: 2,
    mails: { sent: 0, delayed: 0, lost: 0 },
    policy: { probeHosts: true, alerts: { diskFreeShareMin: 0, hostsMin: 3 } },
  };
  metrics.refusals.reset();
  await database.write((db) => db.query('DELETE FROM repairs'));
  const count = (length: number): unknown[] => Array.from({ length });
  const parts: ConditionParts = {
    clock,
    metrics,
    dataDir: folder,
    get database() {
      return { reads: database.reads, waitingWrites: now.waitingWrites };
    },
    get settings() {
      return { policy: parsePolicy(now.policy) };
    },
    get authority() {
      return { expiresAtMs: clock.nowMs() + now.expiresInDays * DAY_MS };
    },
    get mailer() {
      return { counts: now.mails };
    },
    hosts: {
      all: () => Array.from({ length: now.online }, () => ({ relayId: null }) as OnlineHost),
      candidates: () => ({ candidates: count(now.placeable) }) as unknown as CandidatePool,
    },
    get relays() {
      const all = now.relays.map((isEnding) => ({ isEnding }) as OnlineRelay);
      return { known: now.knownRelays, all: () => all };
    },
    get samples() {
      return { latest: now.sample === null ? null : ({ ...SPACE, ...now.sample } as NetworkSample) };
    },
    get audits() {
      return { isAtFault: now.isAtFault };
    },
    get watchLedger() {
      return { faults: now.faults };
    },
  };
  conditions = new ReadConditions(parts);
});

const levelOf = async (kind: AlertKind): Promise<Level | 'unknown'> =>
  (await conditions.run()).get(kind)?.level ?? 'unknown';

async function overdue(objects: number, sinceHours: number): Promise<void> {
  const columns =
    'object_id account_id state size_bytes data_shards total_shards sound away missing time_to_loss_ms urgent due_since_ms not_before_ms attempts'.split(
      ' ',
    );
  const dueMs = clock.nowMs() - sinceHours * HOUR_MS;
  const rows = Array.from({ length: objects }, (_, i) => [
    `${sinceHours} ${i}`,
    'a',
    i % 2 === 0 ? 'waiting' : 'running',
    ...[1, 2, 3, 2, 0, 1, 1, 0, dueMs, dueMs, 0],
  ]);
  await database.write((db) => insertRows(db, { table: 'repairs', columns }, rows));
}

describe('a condition', () => {
  it('is good of a broker that is well, whichever it is, and unknown where nothing has been seen', async () => {
    await conditions.run();
    clock.advance(MINUTE_MS);
    const seen = await conditions.run();
    const good = ALERT_KINDS.filter((kind) => seen.get(kind)?.level === 'good');
    expect(ALERT_KINDS.filter((kind) => !good.includes(kind))).toEqual(['mail_failing']);
    Object.assign(now, { faults: null, sample: null, online: 2 });
    const unknown = await conditions.run();
    const known = ALERT_KINDS.filter((kind) => unknown.has(kind));
    expect(ALERT_KINDS.filter((kind) => !known.includes(kind))).toEqual([
      'ledger_faults',
      'capacity_nearly_used',
      'refusals_storm',
      'mail_failing',
      'probes_failing',
    ]);
  });

  it.each<[AlertKind, Partial<typeof now>, Level | 'unknown']>([
    ['ledger_faults', { faults: 1 }, 'bad'],
    ['audits_at_fault', { isAtFault: true }, 'bad'],
    ['capacity_nearly_used', { sample: { usedBytes: 91n, donatedBytes: 100n } }, 'bad'],
    ['capacity_nearly_used', { sample: { usedBytes: 85n, donatedBytes: 100n } }, 'between'],
    ['capacity_nearly_used', { sample: { usedBytes: 81n, donatedBytes: 100n } }, 'good'],
    ['capacity_nearly_used', { sample: { usedBytes: 0n, donatedBytes: 0n } }, 'good'],
    ['certificate_ending', { expiresInDays: 29.9 }, 'bad'],
    ['certificate_ending', { expiresInDays: 32 }, 'between'],
    ['certificate_ending', { expiresInDays: 33 }, 'good'],
    ['write_queue_long', { waitingWrites: WRITE_UNITS_PENDING_MAX * 0.5 + 1 }, 'bad'],
    ['write_queue_long', { waitingWrites: WRITE_UNITS_PENDING_MAX * 0.48 }, 'between'],
    ['write_queue_long', { waitingWrites: WRITE_UNITS_PENDING_MAX * 0.45 }, 'good'],
    ['few_hosts', { placeable: 2 }, 'bad'],
    ['few_hosts', { placeable: 3 }, 'good'],
    ['few_hosts', { placeable: 0, policy: { alerts: { hostsMin: 0 } } }, 'good'],
    // As the smallest code of the policy needs.
    ['few_hosts', { placeable: SMALLEST_HOSTS - 1, policy: {} }, 'bad'],
    ['few_hosts', { placeable: SMALLEST_HOSTS, policy: {} }, 'good'],
    ['probes_failing', { online: 10, placeable: 4 }, 'bad'],
    ['probes_failing', { online: 20, placeable: 10 }, 'between'],
    ['probes_failing', { online: 20, placeable: 11 }, 'good'],
    ['probes_failing', { online: 2, placeable: 0 }, 'unknown'],
    ['probes_failing', { online: 10, placeable: 0, policy: { probeHosts: false } }, 'unknown'],
    ['disk_nearly_full', { policy: { alerts: { diskFreeShareMin: 1 } } }, 'bad'],
    ['disk_nearly_full', { policy: { alerts: { diskFreeShareMin: 0 } } }, 'good'],
    ['objects_at_risk', { policy: { repair: { on: false } }, sample: { objectsAtRisk: 1 } }, 'bad'],
    ['objects_at_risk', { policy: { repair: { on: false } }, sample: { objectsAtRisk: 0 } }, 'good'],
    ['objects_at_risk', { policy: { repair: { on: false } }, sample: null }, 'unknown'],
    ['relays_gone', { relays: [] }, 'bad'],
    ['relays_gone', { relays: [true] }, 'bad'],
    ['relays_gone', { relays: [true, false] }, 'good'],
    ['relays_gone', { relays: [], knownRelays: 0 }, 'unknown'],
    // What is not due lacks shards as it may.
    ['objects_at_risk', { sample: { objectsAtRisk: 9 } }, 'good'],
  ])('%s with %o is %s', async (kind, changes, level) => {
    Object.assign(now, changes);
    expect(await levelOf(kind)).toBe(level);
  });

  it('objects_at_risk counts repairs that have been due for too long, whatever works at them', async () => {
    await overdue(20, 23);
    expect(await levelOf('objects_at_risk')).toBe('good');
    await overdue(2, 24);
    const seen = (await conditions.run()).get('objects_at_risk')!;
    expect([seen.level, /\d+/.exec(seen.detail)![0]]).toEqual(['bad', '2']);
    now.policy = { alerts: { objectsAtRiskMax: 2 } };
    expect(await levelOf('objects_at_risk')).toBe('between');
    now.policy = { alerts: { objectsAtRiskMax: 2, repairWaitHoursMax: 25 } };
    expect(await levelOf('objects_at_risk')).toBe('good');
  });

  it('mail_failing follows the newest tries, and stays what it was while there are none', async () => {
    const next = (mails: Partial<typeof now.mails>): Promise<Level | 'unknown'> => {
      now.mails = { ...now.mails, ...mails };
      return levelOf('mail_failing');
    };
    expect(await next({})).toBe('unknown');
    expect(await next({ delayed: 1 })).toBe('bad');
    expect(await next({})).toBe('bad');
    expect(await next({ sent: 1, delayed: 2 })).toBe('good');
    expect(await next({})).toBe('good');
    expect(await next({ lost: 1 })).toBe('bad');
  });

  it('refusals_storm is of refusals a minute since it was last looked, and unknown at first', async () => {
    const next = async (minutes: number, refusals: number): Promise<Level | 'unknown'> => {
      clock.advance(minutes * MINUTE_MS);
      metrics.refusals.inc({ code: 'request_invalid' }, refusals / 2);
      metrics.refusals.inc({ code: 'token_expired' }, refusals / 2);
      return levelOf('refusals_storm');
    };
    expect(await next(1, 100_000)).toBe('unknown');
    expect(await next(0, 0)).toBe('unknown');
    expect(await next(2, 6_002)).toBe('bad');
    expect(await next(2, 5_800)).toBe('between');
    expect(await next(2, 5_400)).toBe('good');
  });
});
