// Lists of the admin interface: page by page, each row once, in one order, whatever comes meanwhile; and what is no query
// is refused.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { insertRows } from '#database';
import { BrokerDatabase } from '../platform/broker-database.js';
import { type AdminAnswer, AdminClient } from '../testing/admin-client.js';
import { BrokerFixture } from '../testing/broker-fixture.js';
import { startRelay } from '../testing/relay-messages.js';
import { beginPut, enrol, makeIdentity, someObject, TestPeer } from '../testing/test-peer.js';
import type { AdminRouteEntry } from './routes/admin-routes.js';

type Item = Record<string, unknown>;

const reason = 'for the test';
const many = { requestsPerMinute: 100_000, networkRequestsPerMinute: 100_000 };

let fixture: BrokerFixture;
let operator: AdminClient;
let peers: TestPeer[];
let client: TestPeer;
let lists: string[];

beforeAll(async () => {
  fixture = await BrokerFixture.start({ admin: many });
  for (let i = 0; i < 2; i++) {
    fixture.clock.advance(60 * 60_000);
    await fixture.broker.sampleNetworkNow();
  }
  operator = await AdminClient.as(fixture, 'operator');
  const { routes } = (await operator.get('/v1/admin')).body as { routes: AdminRouteEntry[] };
  const paged: string[] = [];
  for (const { method, path } of routes) {
    if (method !== 'GET' || path.includes(':') || path.endsWith('.csv')) continue;
    const { body } = await operator.get(path);
    if ('items' in body && 'next' in body) paged.push(path);
  }
  lists = paged;
  peers = [];
  for (let i = 0; i < 3; i++) peers.push(await TestPeer.enrolHost(fixture));
  for (let i = 0; i < 3; i++) await startRelay(fixture);
  client = await TestPeer.enrol(fixture);
  await beginPut(client, someObject(fixture));
  for (let i = 0; i < 3; i++) {
    await operator.post('/v1/admin/enrolment-keys', { reason });
    await operator.post('/v1/admin/key-rotations', { reason });
    const { version: basedOn, written } = (await operator.get('/v1/admin/policies/current')).body;
    await operator.put('/v1/admin/policies/current', { policy: written, basedOn, reason });
  }
  // What comes of audits, as the broker's jobs write it down.
  await fillAudits();
  // Refused to known peers, by several codes.
  await client.get('/v1/groups/0199f1e0-0000-7000-8000-000000000000');
  await client.post('/v1/puts', { objects: [] });
  await client.post('/v1/gets', { objectIds: ['0199f1e0-0000-7000-8000-000000000000'] });
});
afterAll(() => fixture.remove());

const itemsOf = ({ body }: AdminAnswer): Item[] => body.items as Item[];
const all = async (path: string): Promise<Item[]> => itemsOf(await operator.get(`${path}?limit=1000`));

async function pageByPage(path: string, limit: number): Promise<Item[]> {
  const found: Item[] = [];
  let after: string | null = null;
  do {
    const query: string = after === null ? '' : `&after=${after}`;
    const answer: AdminAnswer = await operator.get(`${path}?limit=${limit}${query}`);
    expect(itemsOf(answer).length).toBeLessThanOrEqual(limit);
    found.push(...itemsOf(answer));
    after = answer.body.next as string | null;
  } while (after !== null);
  return found;
}

async function fillAudits(): Promise<void> {
  const database = await BrokerDatabase.open(join(fixture.dataDir, 'broker.db'));
  try {
    await database.write(async (db) => {
      await insertRows(db, { table: 'alerts', columns: ['id', 'kind', 'detail', 'began_at_ms'] }, [
        ['a', 'few_hosts', 'x', 1],
        ['b', 'mail_failing', 'y', 2],
      ]);
      const repair = [
        ...[
          'object_id',
          'account_id',
          'state',
          'size_bytes',
          'data_shards',
          'total_shards',
          'sound',
          'away',
          'missing',
        ],
        ...['time_to_loss_ms', 'urgent', 'due_since_ms', 'not_before_ms', 'attempts'],
      ];
      await insertRows(db, { table: 'repairs', columns: repair }, [
        ['a', 'x', 'waiting', 1, 1, 2, 1, 0, 1, 5, 0, 1, 1, 0],
        ['b', 'y', 'running', 1, 1, 2, 1, 0, 1, 5, 0, 1, 1, 0],
      ]);
      const task = [
        ...['id', 'object_id', 'account_id', 'worker_id', 'worker_account_id', 'state', 'shards', 'repaired'],
        ...['due_since_ms', 'begun_at_ms', 'expires_at_ms'],
      ];
      await insertRows(db, { table: 'repair_tasks', columns: task }, [
        ['a', 'a', 'x', 'w', 'v', 'failed', 1, 0, 1, 1, 1],
        ['b', 'b', 'y', 'w', 'v', 'done', 1, 1, 1, 1, 1],
      ]);
      for (const { peerId } of peers) {
        const score = ['host_id', 'good', 'bad', 'verdict', 'due_at_ms', 'passed', 'failed'];
        await insertRows(db, { table: 'audit_scores', columns: score }, [[peerId, 20.5, 0, 'ok', 1, 20, 0]]);
        const pending = ['host_id', 'cid', 'size_bytes', 'block', 'unanswered', 'begun_at_ms'];
        await insertRows(db, { table: 'audits_pending', columns: pending }, [[peerId, 'cid', 1, 0, 2, 3]]);
        const days = ['day', 'host_id', 'outcome', 'audits'];
        await insertRows(db, { table: 'audit_days', columns: days }, [
          [20_000, peerId, 'ok', 3],
          [20_000, peerId, 'offline', 1],
          [20_001, peerId, 'ok', 4],
        ]);
      }
    });
  } finally {
    await database.close();
  }
}

describe('every list', () => {
  it('is the same page by page as whole, with each row once', async () => {
    expect(lists.length).toBeGreaterThanOrEqual(9);
    for (const path of lists) {
      const whole = await all(path);
      expect([path, whole.length > 1]).toEqual([path, true]);
      for (const limit of [1, 2]) expect([path, await pageByPage(path, limit)]).toEqual([path, whole]);
      expect(new Set(whole.map((item) => JSON.stringify(item))).size).toBe(whole.length);
    }
  });

  it('refuses a limit, a cursor and a filter that are none', async () => {
    const cursors = ['x', 'WzFd', Buffer.from('["a","b","c","d"]').toString('base64url'), 'W10', 'bnVsbA', 'e30'];
    const wrong = [
      'limit=0',
      'limit=1001',
      'limit=-1',
      'limit=1.5',
      'limit=all',
      'madeUp=1',
      ...cursors.map((c) => `after=${c}`),
    ];
    for (const path of lists) {
      for (const query of wrong) {
        const answer = await operator.get(`${path}?${query}`);
        // `[1]` is a cursor of the lists that are in the order of one number.
        const fits = query === 'after=WzFd' && /\/(?:log|entries|policies|history)$/.test(path);
        expect([path, query, answer.code]).toEqual([path, query, fits ? undefined : 'request_invalid']);
      }
    }
  });

  it('keeps its order while rows come', async () => {
    const path = '/v1/admin/peers';
    const first = await operator.get(`${path}?limit=2`);
    // Ids begin with the time.
    fixture.clock.advance(1);
    await TestPeer.enrol(fixture);
    const rest = await operator.get(`${path}?limit=1000&after=${first.body.next}`);
    const ids = [...itemsOf(first), ...itemsOf(rest)].map(({ peerId }) => peerId);
    expect(ids).toEqual([...ids].sort());
    expect(ids).toHaveLength((await all(path)).length);
  });
});

describe('filters', () => {
  it.each<[string, () => string, (item: Item) => boolean]>([
    ['peers', () => `account=${client.enrolled.accountId}`, (item) => item.accountId === client.enrolled.accountId],
    ['peers', () => 'isHost=true', (item) => item.shareBytes !== null],
    ['peers', () => 'isHost=false', (item) => item.shareBytes === null],
    ['accounts', () => 'name=box', (item) => item.name === 'box'],
    ['transactions', () => `host=${peers[0]!.peerId}`, (item) => item.hostId === peers[0]!.peerId],
    ['transactions', () => `client=${client.peerId}`, (item) => item.clientId === client.peerId],
    ['transactions', () => 'state=issued', (item) => item.state === 'issued'],
    ['refusals', () => `client=${client.peerId}`, (item) => item.clientId === client.peerId],
    ['ledger/entries', () => 'kind=grant', (item) => item.kind === 'grant'],
    [
      'ledger/entries',
      () => `account=${client.enrolled.accountId}`,
      (item) => `${item.debit} ${item.credit}`.includes(client.enrolled.accountId),
    ],
    [
      'ledger/balances',
      () => `account=${client.enrolled.accountId}`,
      (item) => String(item.ledgerAccount).endsWith(client.enrolled.accountId),
    ],
    ['ledger/balances', () => 'purse=reserved', (item) => String(item.ledgerAccount).startsWith('reserved:')],
    ['audits/scores', () => `host=${peers[1]!.peerId}`, (item) => item.hostId === peers[1]!.peerId],
    ['audits/days', () => 'outcome=offline', (item) => item.outcome === 'offline'],
    ['ledger/days', () => 'kind=grant', (item) => item.kind === 'grant'],
    ['log', () => 'action=policy.set', (item) => item.action === 'policy.set'],
  ])('of %s: %s', async (list, query, belongs) => {
    const path = `/v1/admin/${list}`;
    const wanted = (await all(path)).filter(belongs);
    expect(wanted.length).toBeGreaterThan(0);
    expect(itemsOf(await operator.get(`${path}?limit=1000&${query()}`))).toEqual(wanted);
  });

  it('are refused when nothing can be like that', async () => {
    const wrong = ['peers?state=lost', 'peers?account=me', 'transactions?op=steal', 'ledger/entries?since=yesterday'];
    for (const query of [...wrong, 'ledger/balances?purse=deep', 'refusals?reporter=nobody']) {
      expect([query, (await operator.get(`/v1/admin/${query}`)).code]).toEqual([query, 'request_invalid']);
    }
  });

  it('take texts as texts', async () => {
    const name = encodeURIComponent("box' OR '1'='1");
    expect(itemsOf(await operator.get(`/v1/admin/accounts?name=${name}`))).toEqual([]);
    expect(itemsOf(await operator.get('/v1/admin/accounts?name=%25'))).toEqual([]);
  });
});

describe('what a viewer is told', () => {
  it('is no address of a person or a machine', async () => {
    const viewer = await AdminClient.as(fixture, 'viewer');
    expect((await viewer.get('/v1/admin/accounts?email=me@example.org')).code).toBe('admin_role_missing');
    expect((await operator.get('/v1/admin/accounts?email=me@example.org')).status).toBe(200);
    const path = `/v1/admin/peers/${peers[0]!.peerId}`;
    expect((await operator.get(path)).body.address).toBe('127.0.0.1 4711');
    expect((await viewer.get(path)).body.address).toBeNull();
  });

  it('is no check of all that is kept', async () => {
    const viewer = await AdminClient.as(fixture, 'viewer');
    expect((await viewer.get('/v1/admin/health?deep=true')).code).toBe('admin_role_missing');
    expect((await viewer.get('/v1/admin/health')).body).toMatchObject({ state: 'ok' });
    expect((await operator.get('/v1/admin/health?deep=true')).body).toMatchObject({ state: 'ok' });
  });
});

describe('the ledger', () => {
  it('is exported as CSV, oldest first, with every entry and no formula', async () => {
    const account = client.enrolled.accountId;
    const before = BigInt(
      (await operator.get(`/v1/admin/ledger/balances?account=${account}&purse=available`)).text.match(/"(\d+)"/)![1]!,
    );
    const why = '=HYPERLINK("x"), she said';
    const given = await operator.post('/v1/admin/ledger/adjustments', { account, amount: '500', reason: why });
    expect(given.body).toMatchObject({ available: (before + 500n).toString() });
    const taken = await operator.post('/v1/admin/ledger/adjustments', { account, amount: '-500', reason });
    expect(taken.body).toMatchObject({ available: before.toString() });
    const tooMuch = await operator.post('/v1/admin/ledger/adjustments', {
      account,
      amount: '-99999999999999999',
      reason,
    });
    expect(tooMuch.code).toBe('credit_exceeded');
    const { text, headers } = await operator.get('/v1/admin/ledger/entries.csv');
    expect(headers['content-type']).toBe('text/csv; charset=utf-8');
    const lines = text.split('\r\n');
    expect(lines[0]).toBe('seq,at,kind,transactionId,debit,credit,amount,reason,hash');
    const entries = await all('/v1/admin/ledger/entries');
    expect(lines.slice(1, -1).map((line) => Number(line.split(',')[0]))).toEqual(
      entries.map(({ seq }) => seq).reverse(),
    );
    expect(text).toContain(`,"'=HYPERLINK(""x""), she said",`);
    expect(await fixture.broker.checkLedger()).toEqual([]);
  });
});

describe('what becomes of a machine', () => {
  it('whose key is to be renewed: it hears with its presence, once', async () => {
    const peer = await TestPeer.enrol(fixture);
    const ask = async (): Promise<unknown> =>
      (await peer.post<Item>('/v1/presence', { host: null, program: 'test' })).body;
    expect(await ask()).toMatchObject({ renewTransactionKey: false });
    await operator.post(`/v1/admin/peers/${peer.peerId}/renew-key`, { reason });
    expect(await ask()).toMatchObject({ renewTransactionKey: true });
    const { keys } = (await operator.get(`/v1/admin/peers/${peer.peerId}`)).body as { keys: Item[] };
    expect(keys).toMatchObject([{ state: 'current' }]);
    expect(keys[0]!.renewalAskedAt).not.toBeNull();
  });

  it('that comes with an enrolment key that was revoked: it is not let in', async () => {
    const { key, enrolmentKeyId } = (await operator.post('/v1/admin/enrolment-keys', { uses: 2, reason })).body;
    const come = async (): Promise<string | undefined> => {
      const { csr } = await makeIdentity();
      return (await enrol(fixture, { csr, credential: { kind: 'enrolment-key', key: String(key) } })).code;
    };
    expect(await come()).toBeUndefined();
    const revoked = await operator.post(`/v1/admin/enrolment-keys/${enrolmentKeyId}/revoke`, { reason });
    expect(revoked.body).toMatchObject({ usesLeft: 0 });
    expect(await come()).toBe('enrolment_key_invalid');
    expect((await operator.post('/v1/admin/enrolment-keys/none/revoke', { reason })).code).toBe(
      'enrolment_key_unknown',
    );
  });
});

describe('the description', () => {
  it('has every route with its role-bound key, its query, its body and its answer', async () => {
    const { paths, components } = (await operator.get('/v1/admin/openapi.json')).body as {
      paths: Record<
        string,
        Record<string, { parameters?: Item[]; requestBody?: Item; responses: Item; security: Item[] }>
      >;
      components: { securitySchemes: Item };
    };
    const { routes } = (await operator.get('/v1/admin')).body as { routes: AdminRouteEntry[] };
    const described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`),
    );
    const listened = routes.filter(({ method }) => method !== 'HEAD').map(({ method, path }) => `${method} ${path}`);
    expect(described.sort()).toEqual(listened.sort());
    expect(components.securitySchemes).toHaveProperty('bearer');
    const list = paths['/v1/admin/peers']!.get!;
    expect(list.parameters!.map(({ name }) => name).sort()).toEqual([
      'account',
      'after',
      'isHost',
      'limit',
      'name',
      'network',
      'state',
    ]);
    expect(JSON.stringify(list.responses)).toContain('certificateExpiresAt');
    const change = paths['/v1/admin/ledger/adjustments']!.post!;
    expect(JSON.stringify(change.requestBody)).toContain('"amount"');
    expect(change.parameters).toMatchObject([{ name: 'Idempotency-Key', in: 'header' }]);
    expect(change.security).toEqual([{ bearer: [] }]);
  });
});
