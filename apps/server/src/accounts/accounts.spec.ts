// People's accounts over HTTPS: registration, sign-in, sessions, passwords, and what strangers cannot find out (B1, B2, B4).
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { AccountId } from '#protocol';
import { decideGrant, insertGrant, markShown } from '../enrolment/device-grants.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { BrokerFixture } from '../testing/broker-fixture.js';
import { makeIdentity, TestPeer } from '../testing/test-peer.js';
import { PASSWORD, signedIn, type WebAnswer, WebVisitor } from '../testing/web-visitor.js';
import { HashingThread } from './hashing-thread.js';

const MINUTE_MS = 60_000;

let fixture: BrokerFixture;
const visitors: WebVisitor[] = [];

beforeAll(async () => {
  fixture = await BrokerFixture.start({}, { testMode: true });
});

afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(visitors.splice(0).map((visitor) => visitor.leave()));
});

afterAll(async () => {
  expect(await fixture.broker.checkLedger()).toEqual([]);
  await fixture.remove();
});

let networks = 0;
/** Every visitor comes from a network of its own, so that no test feels the limits of another. */
async function come(address = `127.51.100.${++networks}`): Promise<WebVisitor> {
  const visitor = await WebVisitor.come(fixture, address);
  visitors.push(visitor);
  return visitor;
}

async function comeSignedIn(email: string, address = `127.51.100.${++networks}`): Promise<WebVisitor> {
  const visitor = await signedIn(fixture, email, address);
  visitors.push(visitor);
  return visitor;
}

const register = (visitor: WebVisitor, fields: object): Promise<WebAnswer> =>
  visitor.submit('/register', { name: 'Ada', password: PASSWORD, ...fields });

/** A page without what is drawn anew for every visitor. */
const fixedPart = ({ text }: WebAnswer): string => text.replace(/value="[^"]*"|\/captcha\/[^/]+/g, '');

async function query<T>(sql: string): Promise<T[]> {
  const database = await BrokerDatabase.open(`${fixture.dataDir}/broker.db`);
  const rows: T[] = await database.reads.query(sql);
  await database.close();
  return rows;
}

describe('the link to another picture', () => {
  it.each(['register', 'sign-in'])('keeps the way back on /%s, also after a wrong answer', async (path) => {
    const visitor = await come();
    const credentials = { email: `another-${path}@example.org`, name: 'Ada', password: 'a wrong password' };
    let shown = await visitor.get(`/${path}?next=%2Fenrol%3Fcode%3DBCDF-GHJK`);
    let pagePath = '';
    while (!shown.text.includes('/captcha/') || pagePath === '') {
      pagePath = new RegExp(`<form method="post" action="(/${path}[^"]*)">`).exec(shown.text)![1]!;
      shown = await visitor.fillIn(shown, { ...credentials, 'captcha-answer': '00000' });
    }
    const link = /<a href="([^"]*)">Load the page again/.exec(shown.text)![1]!;
    const { pathname, search } = new URL(link, new URL(pagePath, fixture.url));
    const again = await visitor.get(`${pathname}${search}`);
    expect(again.text).toContain('<input type="hidden" name="next" value="/enrol?code=BCDF-GHJK">');
  });
});

describe('registration', () => {
  it('opens an account behind a CAPTCHA, with opening credit and no word of it to the network (B2)', async () => {
    const visitor = await come();
    const unsolved = await register(visitor, { email: 'bot@example.org', 'captcha-answer': '00000' });
    expect(unsolved.status).toBe(422);
    expect(unsolved.text).toContain('role="alert"');
    const stillNobody = await visitor.submit('/sign-in', { email: 'bot@example.org', password: PASSWORD });
    expect(stillNobody.status).toBe(403);

    expect((await register(visitor, { email: 'ada@example.org' })).status).toBe(200);
    const answer = await visitor.submit('/sign-in', { email: 'Ada@EXAMPLE.org ', password: PASSWORD });
    expect([answer.status, answer.headers.location]).toEqual([303, '/account']);
    const page = await visitor.get('/account');
    expect(page.text).toContain('<dd>ada@example.org</dd>');
  });

  it('answers alike, with the same work, for an address that has an account', async () => {
    const hashing = vi.spyOn(HashingThread.prototype, 'hash');
    const visitor = await come();
    const answers: { answer: WebAnswer; hashes: number; commits: number }[] = [];
    for (const round of ['new', 'known']) {
      const commits = fixture.broker.commits;
      hashing.mockClear();
      const answer = await register(visitor, {
        email: 'twice@example.org',
        name: round,
        password: `${PASSWORD} ${round}`,
      });
      answers.push({ answer, hashes: hashing.mock.calls.length, commits: fixture.broker.commits - commits });
    }
    const [first, second] = answers;
    expect(second!.answer.status).toBe(first!.answer.status);
    expect(fixedPart(second!.answer)).toBe(fixedPart(first!.answer));
    expect([first!.hashes, second!.hashes]).toEqual([1, 1]);
    expect(second!.commits).toBe(first!.commits);
    // A commit that changes no row is cheaper: the second one writes a row as well.
    expect(await query("SELECT kind FROM mail_links WHERE email = 'twice@example.org'")).toEqual([{ kind: 'notice' }]);

    const taken = await visitor.submit('/sign-in', { email: 'twice@example.org', password: `${PASSWORD} known` });
    expect(taken.status).toBe(403);
    const owner = await visitor.submit('/sign-in', { email: 'twice@example.org', password: `${PASSWORD} new` });
    expect(owner.status).toBe(303);
  });

  it.each([
    ['no address', { email: 'nobody' }],
    ['an address with a line break', { email: 'a@example.org\r\nBcc: b@example.org' }],
    ['an empty name', { name: ' ' }],
    ['a name that turns the text around', { name: 'abc\u202Edef' }],
    ['a short password', { password: 'ninechars' }],
    ['a password that is the address', { email: 'long.enough@example.org', password: 'Long.Enough@example.org' }],
    ['a password that is the name', { name: 'Adalbert Ada', password: 'adalbert ada' }],
    ['a password of 1025 bytes', { password: 'x'.repeat(1_025) }],
  ])('refuses %s', async (_what, fields) => {
    const answer = await register(await come(), { email: 'refused@example.org', ...fields });
    expect(answer.status).toBe(422);
    expect(answer.text).toContain('aria-invalid="true"');
  });

  it('takes a password of 1024 bytes in any script, however it was composed', async () => {
    const visitor = await come();
    const composed = 'é'.repeat(512);
    expect((await register(visitor, { email: 'long@example.org', password: composed })).status).toBe(200);
    const answer = await visitor.submit('/sign-in', { email: 'long@example.org', password: composed.normalize('NFD') });
    expect(answer.status).toBe(303);
  });

  it('is bounded per network', async () => {
    const bounded = await BrokerFixture.start({ signIn: { registrationsPerHour: 1 } }, { testMode: true });
    const visitor = await WebVisitor.come(bounded);
    const asked = async (email: string): Promise<number> => (await register(visitor, { email })).status;
    expect([await asked('a@example.org'), await asked('b@example.org')]).toEqual([200, 429]);
    bounded.clock.advance(60 * MINUTE_MS);
    expect(await asked('b@example.org')).toBe(200);
    await visitor.leave();
    await bounded.remove();
  });
});

describe('sign-in', () => {
  it('is wrong in the same way, for the same work, for an unknown address', async () => {
    await comeSignedIn('known@example.org');
    const hashing = vi.spyOn(HashingThread.prototype, 'hash');
    const answers: string[] = [];
    for (const email of ['known@example.org', 'nobody@example.org']) {
      hashing.mockClear();
      const answer = await (await come()).submit('/sign-in', { email, password: 'wrong wrong wrong' });
      answers.push(`${answer.status} ${hashing.mock.calls.length} ${fixedPart(answer)}`);
      expect(hashing.mock.calls[0]![0].parameters).toEqual({ memoryKib: 19_456, passes: 2, lanes: 1 });
    }
    expect(answers[1]).toBe(answers[0]);
    expect(answers[0]).toMatch(/^403 1 /);
  });

  it('gives a cookie that only this host over TLS gets and no script reads, under a new id each time', async () => {
    const visitor = await comeSignedIn('cookie@example.org');
    const [line] = visitor.setCookies;
    expect(line).toMatch(
      /^__Host-peerkeep=[A-Za-z0-9_-]{43}; Max-Age=\d+; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
    );
    const first = visitor.cookies.get('__Host-peerkeep')!;
    await visitor.submit('/sign-in', { email: 'cookie@example.org', password: PASSWORD });
    const second = visitor.cookies.get('__Host-peerkeep')!;
    expect(second).not.toBe(first);
    visitor.cookies.set('__Host-peerkeep', first);
    expect((await visitor.get('/account')).status).toBe(303);
  });

  it('takes no id that was planted before', async () => {
    const visitor = await come();
    const planted = 'A'.repeat(43);
    visitor.cookies.set('__Host-peerkeep', planted);
    await register(visitor, { email: 'fixed@example.org' });
    await visitor.submit('/sign-in', { email: 'fixed@example.org', password: PASSWORD });
    expect(visitor.cookies.get('__Host-peerkeep')).not.toBe(planted);
  });

  it('keeps only hashes of sessions and passwords in the database', async () => {
    const visitor = await comeSignedIn('hashes@example.org');
    const secret = visitor.cookies.get('__Host-peerkeep')!;
    const sessions = await query('SELECT * FROM sessions');
    expect(sessions.length).toBeGreaterThan(0);
    expect(JSON.stringify(sessions)).not.toContain(secret);
    const sql = "SELECT password_hash AS hash FROM accounts WHERE email = 'hashes@example.org'";
    expect((await query<{ hash: string }>(sql))[0]!.hash).toMatch(
      /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[^$]{22}\$[^$]{43}$/,
    );
  });

  it('hashes a password again that was hashed with other parameters', async () => {
    const visitor = await comeSignedIn('old@example.org');
    const { argon2id } = await import('hash-wasm');
    const salt = new Uint8Array(16).fill(7);
    const parameters = { password: PASSWORD, salt, memorySize: 64, iterations: 1, parallelism: 1, hashLength: 32 };
    const old = await argon2id({ ...parameters, outputType: 'encoded' });
    const database = await BrokerDatabase.open(`${fixture.dataDir}/broker.db`);
    const hashNow = async (): Promise<string> =>
      (await database.reads.query("SELECT password_hash FROM accounts WHERE email = 'old@example.org'"))[0]
        .password_hash;
    await database.write((db) =>
      db.query("UPDATE accounts SET password_hash = $1 WHERE email = 'old@example.org'", [old]),
    );
    expect((await visitor.submit('/sign-in', { email: 'old@example.org', password: 'not this one' })).status).toBe(403);
    expect(await hashNow()).toBe(old);
    expect((await visitor.submit('/sign-in', { email: 'old@example.org', password: PASSWORD })).status).toBe(303);
    expect(await hashNow()).toMatch(/m=19456,t=2,p=1/);
    await database.close();
    expect((await visitor.submit('/sign-in', { email: 'old@example.org', password: PASSWORD })).status).toBe(303);
  });

  it.each([
    ['/enrol?code=ABC', '/enrol?code=ABC'],
    ['https://evil.example/', '/account'],
    ['//evil.example', '/account'],
    ['/\\evil.example', '/account'],
    ['/x/..//evil.example', '/account'],
    ['/\t/evil.example', '/account'],
    ['/%0d%0aSet-Cookie:%20a=b', '/%0d%0aSet-Cookie:%20a=b'],
    ['javascript:alert(1)', '/account'],
    [`/${'x'.repeat(600)}`, '/account'],
  ])('returns to a path of its own only: %s', async (next, location) => {
    const visitor = await comeSignedIn('next@example.org');
    const credentials = { email: 'next@example.org', password: PASSWORD };
    const answer = await visitor.submit(`/sign-in?next=${encodeURIComponent(next)}`, credentials);
    expect([answer.status, answer.headers.location]).toEqual([303, location]);
    const posted = await visitor.submit('/sign-in', { ...credentials, next });
    expect(posted.headers.location).toBe(location);
  });
});

describe('sessions', () => {
  it('pages that need one lead to the sign-in and back', async () => {
    const visitor = await come();
    const answer = await visitor.get('/account?after=x');
    expect([answer.status, answer.headers.location]).toEqual([303, '/sign-in?next=%2Faccount%3Fafter%3Dx']);
  });

  it('slide while they are used, end when nobody used them, and end for good after their life', async () => {
    const HOUR_MS = 60 * MINUTE_MS;
    const policy = { sessions: { idleMs: HOUR_MS, lifeMs: 5 * HOUR_MS } };
    const short = await BrokerFixture.start(policy, { testMode: true });
    const visitor = await signedIn(short, 'slide@example.org');
    const statuses: number[] = [];
    for (let step = 0; step < 7; step++) {
      short.clock.advance(50 * MINUTE_MS);
      statuses.push((await visitor.get('/account')).status);
    }
    expect(statuses).toEqual([200, 200, 200, 200, 200, 303, 303]);

    await visitor.submit('/sign-in', { email: 'slide@example.org', password: PASSWORD });
    short.clock.advance(HOUR_MS - 1);
    expect((await visitor.get('/account')).status).toBe(200);
    short.clock.advance(HOUR_MS);
    expect((await visitor.get('/account')).status).toBe(303);
    await visitor.leave();
    await short.remove();
  });

  it('end by signing out, here or everywhere', async () => {
    const here = await comeSignedIn('out@example.org');
    const there = await come();
    await there.submit('/sign-in', { email: 'out@example.org', password: PASSWORD });
    const cookie = here.cookies.get('__Host-peerkeep')!;
    const token = /name="form_token" value="([^"]+)"/.exec((await here.get('/account')).text)![1]!;
    const out = await here.post('/sign-out', { form_token: token });
    expect([out.status, out.headers.location]).toEqual([303, '/']);
    expect(here.cookies.has('__Host-peerkeep')).toBe(false);
    here.cookies.set('__Host-peerkeep', cookie);
    expect((await here.get('/account')).status).toBe(303);
    expect((await there.get('/account')).status).toBe(200);

    await here.submit('/sign-in', { email: 'out@example.org', password: PASSWORD });
    await here.submit('/account', { action: '/account/sign-out-everywhere' });
    expect((await there.get('/account')).status).toBe(303);
  });

  it('are bounded per account: the one that was unused longest ends', async () => {
    const bounded = await BrokerFixture.start({ sessions: { perAccountMax: 2 } }, { testMode: true });
    const browsers = [await signedIn(bounded, 'many@example.org')];
    for (let i = 0; i < 2; i++) {
      bounded.clock.advance(MINUTE_MS);
      const browser = await WebVisitor.come(bounded);
      await browser.submit('/sign-in', { email: 'many@example.org', password: PASSWORD });
      browsers.push(browser);
    }
    const statuses = await Promise.all(browsers.map(async (browser) => (await browser.get('/account')).status));
    expect(statuses).toEqual([303, 200, 200]);
    await Promise.all(browsers.map((browser) => browser.leave()));
    await bounded.remove();
  });
});

describe('the password', () => {
  it('is changed with the old one only, and other sessions end', async () => {
    const here = await comeSignedIn('change@example.org');
    const there = await come();
    await there.submit('/sign-in', { email: 'change@example.org', password: PASSWORD });
    const change = (fields: object): Promise<WebAnswer> =>
      here.submit('/account', { action: '/account/password', old: PASSWORD, new: 'another one entirely', ...fields });
    expect((await change({ old: 'not the old one' })).status).toBe(422);
    expect((await change({ new: 'short' })).status).toBe(422);
    expect((await there.get('/account')).status).toBe(200);

    const changed = await change({});
    expect([changed.status, changed.headers.location]).toEqual([303, '/account?done=password']);
    expect((await here.get('/account')).status).toBe(200);
    expect((await there.get('/account')).status).toBe(303);
    expect((await there.submit('/sign-in', { email: 'change@example.org', password: PASSWORD })).status).toBe(403);
    const renewed = { email: 'change@example.org', password: 'another one entirely' };
    expect((await there.submit('/sign-in', renewed)).status).toBe(303);
  });

  it('lets nobody in by the old one that was being checked when it was changed', async () => {
    const owner = await comeSignedIn('race@example.org');
    const thief = await come();
    const [account, form] = [await owner.get('/account'), await thief.get('/sign-in')];
    const { hash } = HashingThread.prototype;
    vi.spyOn(HashingThread.prototype, 'hash').mockImplementationOnce(async function (this: HashingThread, job) {
      const checked = await hash.call(this, job);
      const passwords = { old: PASSWORD, new: 'another one entirely' };
      expect((await owner.fillIn(account, { action: '/account/password', ...passwords })).status).toBe(303);
      return checked;
    });
    expect((await thief.fillIn(form, { email: 'race@example.org', password: PASSWORD })).status).toBe(403);
    expect((await thief.get('/account')).status).toBe(303);
  });

  it('takes with it the machines that were approved and have not come yet', async () => {
    const owner = await comeSignedIn('grants@example.org');
    const database = await BrokerDatabase.open(`${fixture.dataDir}/broker.db`);
    const { csr } = await makeIdentity();
    const [row] = (await database.reads.query("SELECT id FROM accounts WHERE email = 'grants@example.org'")) as {
      id: AccountId;
    }[];
    const nowMs = fixture.clock.nowMs();
    await database.write(async (db) => {
      const told = { name: 'box', csr, purpose: 'client', program: 'p', fingerprint: 'f', network: 'n' } as const;
      const times = { createdAtMs: nowMs, expiresAtMs: nowMs + MINUTE_MS };
      await insertGrant(db, { ...told, ...times, deviceCode: 'device', userCode: 'WDJB-MJHT' });
      await markShown(db, 'WDJB-MJHT', row!.id, nowMs);
      await decideGrant(db, { userCode: 'WDJB-MJHT', accountId: row!.id, state: 'approved' }, nowMs);
    });
    const passwords = { old: PASSWORD, new: 'another one entirely' };
    await owner.submit('/account', { action: '/account/password', ...passwords });
    expect(await database.reads.query('SELECT name FROM device_grants')).toEqual([]);
    await database.close();
  });
});

describe('the machines of an account', () => {
  it('are listed, and revoked only after a fresh sign-in and a question', async () => {
    const visitor = await comeSignedIn('owner@example.org');
    const peer = await enrolFor('owner@example.org');
    const stranger = await TestPeer.enrol(fixture);
    expect((await visitor.get('/account')).text).toContain('<th scope="row">box</th><td>on probation</td>');
    const ask = `/account/revoke?peer=${peer.peerId}`;
    expect((await visitor.get(`/account/revoke?peer=${stranger.peerId}`)).status).toBe(404);

    const shown = await visitor.get(ask);
    expect(shown.text).toContain('Revoke box?');
    fixture.clock.advance(16 * MINUTE_MS);
    const stale = await visitor.get(ask);
    expect([stale.status, stale.headers.location]).toEqual([303, `/sign-in?next=${encodeURIComponent(ask)}`]);
    const token = /name="form_token" value="([^"]+)"/.exec(shown.text)![1]!;
    const late = await visitor.post('/account/revoke', { peer: peer.peerId, form_token: token });
    expect(late.headers.location).toBe(`/sign-in?next=${encodeURIComponent(ask)}`);
    expect((await peer.get('/v1/peers/me')).status).toBe(200);

    await visitor.submit(ask.replace('/account/revoke', '/sign-in'), {
      email: 'owner@example.org',
      password: PASSWORD,
    });
    expect((await visitor.submit(ask, {})).status).toBe(303);
    expect((await peer.get('/v1/peers/me')).code).toBe('peer_revoked');
    expect((await visitor.get('/account')).text).toContain(
      '<td>revoked <small>(revoked on the account page)</small></td>',
    );
  });

  it('are made append-only at once, and let delete again only after a fresh sign-in', async () => {
    const visitor = await comeSignedIn('keeper@example.org');
    const peer = await enrolFor('keeper@example.org');
    const remove = async (): Promise<string | undefined> =>
      (await peer.post('/v1/deletes', { objectIds: [peer.peerId] })).code;
    const ask = `/account/append-only?peer=${peer.peerId}`;
    expect(await remove()).toBe(undefined);
    expect((await visitor.get('/account')).text).toContain('<td>yes <a href="/account/append-only');
    expect((await visitor.submit(ask, {})).status).toBe(303);
    expect(await remove()).toBe('peer_append_only');
    expect((await visitor.get('/account')).text).toContain('<td>no <a href="/account/append-only');

    const stranger = await TestPeer.enrol(fixture);
    expect((await visitor.get(`/account/append-only?peer=${stranger.peerId}`)).status).toBe(404);
    expect((await stranger.post(`/v1/peers/${peer.peerId}/append-only`, {})).code).toBe('peer_unknown');

    const shown = await visitor.get(ask);
    expect(shown.text).toContain('Let box delete again?');
    const token = /name="form_token" value="([^"]+)"/.exec(shown.text)![1]!;
    fixture.clock.advance(16 * MINUTE_MS);
    const late = await visitor.post('/account/append-only', { peer: peer.peerId, to: 'off', form_token: token });
    expect(late.headers.location).toBe(`/sign-in?next=${encodeURIComponent(ask)}`);
    expect(await remove()).toBe('peer_append_only');

    await visitor.submit('/sign-in', { email: 'keeper@example.org', password: PASSWORD });
    expect((await visitor.submit(ask, {})).status).toBe(303);
    expect(await remove()).toBe(undefined);
    // By its own message it can only be set.
    expect((await peer.post<{ appendOnly: boolean }>(`/v1/peers/${peer.peerId}/append-only`, {})).body.appendOnly).toBe(
      true,
    );
    expect((await peer.get<{ appendOnly: boolean }>('/v1/peers/me')).body.appendOnly).toBe(true);
  });

  async function enrolFor(email: string): Promise<TestPeer> {
    const [account] = await query<{ id: AccountId }>(`SELECT id FROM accounts WHERE email = '${email}'`);
    const { key } = await fixture.broker.createEnrolmentKey({ accountId: account!.id });
    return TestPeer.enrol(fixture, { kind: 'enrolment-key', key });
  }
});
