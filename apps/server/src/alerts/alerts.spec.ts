// Alerts: told once when something begins, once when it ends, again while it lasts, over restarts, and until they arrive.
import { createHmac } from 'node:crypto';
import { chmod, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { insertRows } from '#database';
import { BrokerDatabase } from '../platform/broker-database.js';
import { AdminClient } from '../testing/admin-client.js';
import { BrokerFixture } from '../testing/broker-fixture.js';
import type { AlertKind } from './alert-kinds.js';
import { alertPolicy } from './alert-policy.js';
import { readAlertWebhook, signPost } from './alert-webhook.js';
import { type ConditionState, decideAlerts, type Level } from './decide-alerts.js';
import { ALERTS_KEPT_MS, POST_LIFE_MS, POSTS_WAITING_MAX } from './limits.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

describe('what the operator is told', () => {
  const policy = alertPolicy.parse({ raiseAfterMinutes: { few_hosts: 10 }, clearAfterMinutes: 5, remindAfterHours: 2 });
  /** What is told of one condition: at each minute its level, and a step where there is one. */
  const told = (levels: readonly (readonly [atMinute: number, level: Level | 'unknown'])[]): string[] => {
    let states: ReadonlyMap<AlertKind, ConditionState> = new Map();
    const steps: string[] = [];
    let ids = 0;
    for (const [atMinute, level] of levels) {
      const seen = new Map(level === 'unknown' ? [] : [['few_hosts' as const, { level, detail: 'x' }]]);
      const decided = decideAlerts(states, seen, { policy, nowMs: atMinute * MINUTE_MS, newId: () => `${ids++}` });
      states = decided.states;
      steps.push(...decided.steps.map(({ step, alertId }) => `${atMinute} ${step} ${alertId}`));
    }
    return steps;
  };

  it.each<[string, [number, Level | 'unknown'][], string[]]>([
    [
      'nothing that passes soon',
      [
        [0, 'bad'],
        [9, 'bad'],
        [9.5, 'good'],
        [15, 'bad'],
      ],
      [],
    ],
    [
      'nothing that is not bad all the time',
      [
        [0, 'bad'],
        [5, 'between'],
        [10, 'bad'],
        [15, 'bad'],
      ],
      [],
    ],
    [
      'once that it began',
      [
        [0, 'bad'],
        [10, 'bad'],
        [11, 'bad'],
        [60, 'bad'],
      ],
      ['10 begin 0'],
    ],
    [
      'once that it ended, when it was good for long enough',
      [
        [0, 'bad'],
        [10, 'bad'],
        [20, 'good'],
        [24, 'bad'],
        [25, 'good'],
        [29, 'good'],
        [30, 'good'],
        [40, 'good'],
      ],
      ['10 begin 0', '30 end 0'],
    ],
    [
      'no end while it is neither good nor bad',
      [
        [0, 'bad'],
        [10, 'bad'],
        [20, 'good'],
        [24, 'between'],
        [26, 'good'],
        [30, 'good'],
        [31, 'good'],
      ],
      ['10 begin 0', '31 end 0'],
    ],
    [
      'again while it lasts',
      [
        [0, 'bad'],
        [10, 'bad'],
        [129, 'bad'],
        [130, 'bad'],
        [250, 'unknown'],
      ],
      ['10 begin 0', '130 remind 0', '250 remind 0'],
    ],
    [
      'the next one as another',
      [
        [0, 'bad'],
        [10, 'bad'],
        [11, 'good'],
        [16, 'good'],
        [20, 'bad'],
        [30, 'bad'],
      ],
      ['10 begin 0', '16 end 0', '30 begin 1'],
    ],
  ])('is %s', (_what, levels, steps) => {
    expect(told(levels)).toEqual(steps);
  });
});

interface Received {
  readonly body: string;
  readonly document: Record<string, unknown>;
  readonly headers: IncomingHttpHeaders;
}

describe('a broker with a webhook', () => {
  let fixture: BrokerFixture;
  let server: Server;
  const received: Received[] = [];
  let status = 200;
  afterEach(async () => {
    await fixture.remove();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const secret = Buffer.from('sixteen bytes at least');
  const begin = async (policy: object = {}): Promise<AdminClient> => {
    received.length = 0;
    status = 200;
    server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const body = Buffer.concat(parts).toString();
        received.push({ body, document: JSON.parse(body), headers: request.headers });
        response.writeHead(status).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
    fixture = await BrokerFixture.start(
      { alerts: { clearAfterMinutes: 1 }, ...policy },
      { alertWebhook: { url, secret } },
    );
    return AdminClient.as(fixture, 'viewer');
  };
  /** A broker without hosts has too few of them. */
  const pass = async (ms: number): Promise<void> => {
    fixture.clock.advance(ms);
    await fixture.broker.watchAlertsNow();
    // The first may join a run that began while the clock was moved on.
    await fixture.broker.postAlertsNow();
    await fixture.broker.postAlertsNow();
  };

  it('posts the beginning and the end, signed, and lists both', async () => {
    const viewer = await begin();
    await pass(MINUTE_MS);
    await pass(9 * MINUTE_MS);
    expect(received).toEqual([]);
    await pass(MINUTE_MS);
    await pass(MINUTE_MS);
    expect(received.map(({ document }) => [document.event, document.kind])).toEqual([['alert.begin', 'few_hosts']]);
    const [{ body, headers, document }] = received as [Received];
    const [, at, mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['peerkeep-signature']))!;
    expect(mac).toBe(createHmac('sha256', secret).update(`${at}.${body}`).digest('hex'));
    const active = (await viewer.get('/v1/admin/alerts?state=active')).body.items as Record<string, unknown>[];
    expect(active).toMatchObject([{ alertId: document.alertId, kind: 'few_hosts', endedAt: null }]);

    // From here on no host is needed.
    await fixture.stop();
    await fixture.startAgain({ alerts: { clearAfterMinutes: 1, hostsMin: 0 } });
    await pass(MINUTE_MS);
    await pass(MINUTE_MS);
    expect(received.map(({ document }) => document.event)).toEqual(['alert.begin', 'alert.end']);
    expect(received[1]!.document.alertId).toBe(document.alertId);
    const now = await AdminClient.as(fixture, 'viewer');
    expect((await now.get('/v1/admin/alerts?state=active')).body.items).toEqual([]);
    expect((await now.get('/v1/admin/alerts')).body.items).toMatchObject([{ state: 'ended' }]);
  });

  it('tells nothing twice over restarts, and reminds after the time of the policy', async () => {
    await begin({ alerts: { remindAfterHours: 3 } });
    await pass(MINUTE_MS);
    // The time of waiting is kept over a restart, too.
    await fixture.stop();
    await fixture.startAgain();
    await pass(10 * MINUTE_MS);
    expect(received.map(({ document }) => document.event)).toEqual(['alert.begin']);
    await fixture.stop();
    await fixture.startAgain();
    await pass(HOUR_MS);
    expect(received).toHaveLength(1);
    await pass(2 * HOUR_MS);
    expect(received.map(({ document }) => document.event)).toEqual(['alert.begin', 'alert.remind']);
  });

  it('posts again, later and later, until it has arrived, also after a restart', async () => {
    await begin();
    status = 404;
    await pass(MINUTE_MS);
    await pass(10 * MINUTE_MS);
    expect(received).toHaveLength(1);
    await pass(30_000);
    expect(received).toHaveLength(1);
    await pass(30_000);
    expect(received).toHaveLength(2);
    await fixture.stop();
    status = 200;
    await fixture.startAgain();
    await pass(MINUTE_MS);
    expect(received).toHaveLength(2);
    await pass(MINUTE_MS);
    expect(received).toHaveLength(3);
    const deliveries = new Set(received.map(({ headers }) => headers['peerkeep-delivery']));
    expect(deliveries.size).toBe(1);
    await pass(HOUR_MS);
    expect(received).toHaveLength(3);
  });

  it('lets a post go that is a week old, and goes on with the next', async () => {
    await begin();
    status = 404;
    await pass(MINUTE_MS);
    await pass(10 * MINUTE_MS);
    await pass(POST_LIFE_MS - 1);
    // The beginning is tried again, and the reminder waits behind it.
    expect(received.map(({ document }) => document.event)).toEqual(['alert.begin', 'alert.begin']);
    await pass(HOUR_MS);
    status = 200;
    await pass(HOUR_MS);
    const events = received.map(({ document }) => document.event);
    expect(events.slice(2)).toEqual(['alert.begin', 'alert.remind', 'alert.remind']);
    await pass(HOUR_MS);
    expect(received).toHaveLength(events.length);
  });

  it('keeps so many posts waiting and no more; what it could not hand on is in the list', async () => {
    const viewer = await begin();
    const database = await BrokerDatabase.open(join(fixture.dataDir, 'broker.db'));
    const columns = ['id', 'document', 'tries', 'made_at_ms', 'due_at_ms'];
    const later = fixture.clock.nowMs() + HOUR_MS;
    const rows = Array.from({ length: POSTS_WAITING_MAX }, (_, i) => [`${i}`, '{}', 0, later, later]);
    await database.write((db) => insertRows(db, { table: 'alert_posts', columns }, rows));
    await pass(MINUTE_MS);
    await pass(10 * MINUTE_MS);
    const [{ waiting }] = (await database.reads.query('SELECT COUNT(*) AS waiting FROM alert_posts')) as [
      { waiting: number },
    ];
    await database.close();
    expect(waiting).toBe(POSTS_WAITING_MAX);
    expect((await viewer.get('/v1/admin/alerts?state=active')).body.items).toMatchObject([{ kind: 'few_hosts' }]);
  });

  it('forgets alerts a year after their end, and none before', async () => {
    await begin({ alerts: { clearAfterMinutes: 0 } });
    const database = await BrokerDatabase.open(join(fixture.dataDir, 'broker.db'));
    const nowMs = fixture.clock.nowMs();
    const ended = (id: string, endedAtMs: number | null) => [id, 'mail_failing', 'x', 1, endedAtMs];
    const columns = ['id', 'kind', 'detail', 'began_at_ms', 'ended_at_ms'];
    const rows = [ended('old', nowMs - ALERTS_KEPT_MS), ended('new', nowMs), ended('open', null)];
    await database.write((db) => insertRows(db, { table: 'alerts', columns }, rows));
    await database.close();
    await pass(MINUTE_MS);
    await pass(10 * MINUTE_MS);
    const viewer = await AdminClient.as(fixture, 'viewer');
    const items = (await viewer.get('/v1/admin/alerts?kind=mail_failing')).body.items as { alertId: string }[];
    expect(items.map(({ alertId }) => alertId)).toEqual(['open', 'new']);
  });
});

describe('the configuration of a webhook', () => {
  it.each([
    [{ alertWebhook: 'http://example.org/' }],
    [{ alertWebhook: 'https://me:pw@example.org/' }],
    [{ alertSecretFile: '/nowhere' }],
  ])('refuses %j', async (flags) => {
    await expect(readAlertWebhook(flags, {})).rejects.toMatchObject({ code: 'usage' });
  });

  it('takes a secret that nobody else can read', async () => {
    const file = join(process.env.TMPDIR ?? '/tmp', `peerkeep-secret-${process.pid}`);
    await writeFile(file, 'a secret of more than 16 bytes\n', { mode: 0o600 });
    const flags = { alertWebhook: 'https://example.org/', alertSecretFile: file };
    const read = await readAlertWebhook(flags, {});
    expect(Buffer.from(read!.secret!).toString()).toBe('a secret of more than 16 bytes');
    expect(signPost(Buffer.from('key'), '{}', 1_000)).toBe(
      `t=1,v1=${createHmac('sha256', 'key').update('1.{}').digest('hex')}`,
    );
    await chmod(file, 0o644);
    await expect(readAlertWebhook(flags, {})).rejects.toMatchObject({ code: 'secret_file_exposed' });
  });
});
