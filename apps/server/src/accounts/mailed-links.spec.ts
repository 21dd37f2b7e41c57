// Accounts on a broker that sends mail: confirming an address, and a new password for a lost one, by links that work once.
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { BrokerDatabase } from '../platform/broker-database.js';
import { BrokerFixture } from '../testing/broker-fixture.js';
import { type ReceivedMail, SmtpStandIn } from '../testing/smtp-stand-in.js';
import { PASSWORD, type WebAnswer, WebVisitor } from '../testing/web-visitor.js';
import { HashingThread } from './hashing-thread.js';

const HOUR_MS = 60 * 60_000;
const WEB_URL = 'https://127.9.9.9:8443';

let fixture: BrokerFixture;
let server: SmtpStandIn;
const visitors: WebVisitor[] = [];

beforeAll(async () => {
  server = await SmtpStandIn.start();
  const mail = { kind: 'smtp', from: 'broker@backup.example' };
  fixture = await BrokerFixture.start({ mail, signIn: { mailsPerHour: 3 } }, { testMode: true, smtpUrl: server.url });
});

afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(visitors.splice(0).map((visitor) => visitor.leave()));
  expect(server.unread).toBe(0);
});

afterAll(async () => {
  await fixture.remove();
  await server.stop();
});

async function come(): Promise<WebVisitor> {
  const visitor = await WebVisitor.come(fixture);
  visitors.push(visitor);
  return visitor;
}

const register = (visitor: WebVisitor, email: string, password = PASSWORD): Promise<WebAnswer> =>
  visitor.submit('/register', { email, name: 'Ada', password });

/** Path of the link in a mail; its origin is the broker's own. */
function linkIn(mail: ReceivedMail, path: 'confirm' | 'reset', origin = fixture.url): string {
  const link = new RegExp(`^${origin}(/${path}\\?token=[A-Za-z0-9_-]{43})\\r?$`, 'm').exec(mail.text);
  if (link === null) throw new Error(`no link to ${path} in: ${mail.text}`);
  return link[1]!;
}

async function openAccount(email: string): Promise<WebVisitor> {
  const visitor = await come();
  await register(visitor, email);
  await visitor.submit(linkIn(await server.next(), 'confirm'), { password: PASSWORD });
  return visitor;
}

describe('registration by mail', () => {
  it('opens the account when the link is followed and the password is given, and not before', async () => {
    const visitor = await come();
    expect((await register(visitor, 'ada@example.org')).text).toContain('Look into your mail');
    const mail = await server.next();
    expect(mail.to).toContain('<ada@example.org>');
    expect((await visitor.submit('/sign-in', { email: 'ada@example.org', password: PASSWORD })).status).toBe(403);

    const link = linkIn(mail, 'confirm');
    expect((await visitor.get(link)).status).toBe(200);
    expect((await visitor.submit('/sign-in', { email: 'ada@example.org', password: PASSWORD })).status).toBe(403);
    const opened = await visitor.submit(link, { password: PASSWORD });
    expect([opened.status, opened.headers.location]).toEqual([303, '/account']);
    expect((await visitor.get('/account')).text).toContain('<dd>ada@example.org</dd>');
    expect((await visitor.get(link)).status).toBe(410);
  });

  it('gives the owner of a mailbox no account whose password a stranger chose', async () => {
    const stranger = await come();
    await register(stranger, 'victim@example.org', 'chosen by a stranger');
    const link = linkIn(await server.next(), 'confirm');
    const victim = await come();
    expect((await victim.submit(link, { password: PASSWORD })).status).toBe(403);
    await register(victim, 'victim@example.org');
    const own = linkIn(await server.next(), 'confirm');
    expect((await victim.submit(own, { password: PASSWORD })).status).toBe(303);
    expect((await stranger.get(link)).status).toBe(410);
  });

  it('answers alike, with the same work, where there is an account, and mails its owner', async () => {
    const first = await openAccount('twice@example.org');
    const hashing = vi.spyOn(HashingThread.prototype, 'hash');
    const answers: string[] = [];
    for (const email of ['twice@example.org', 'fresh@example.org']) {
      hashing.mockClear();
      const commits = fixture.broker.commits;
      const answer = await register(first, email);
      const work = `${hashing.mock.calls.length} ${fixture.broker.commits - commits}`;
      answers.push(`${answer.status} ${work} ${answer.text}`);
    }
    expect(answers[1]).toBe(answers[0]);
    const mails = [await server.next(), await server.next()];
    expect(mails[0]!.text).toContain('You have one already.');
    expect(mails[0]!.text).not.toContain('token=');
    linkIn(mails[1]!, 'confirm');
  });

  it('lets a link be guessed at ten times, and live for a day', async () => {
    const visitor = await come();
    await register(visitor, 'guessed@example.org');
    const link = linkIn(await server.next(), 'confirm');
    const guesses: number[] = [];
    for (let i = 0; i < 11; i++) {
      const answer = await visitor.post('/confirm', {
        token: link.split('=')[1]!,
        password: `guess number ${i}`,
        form_token: await tokenOf(visitor),
      });
      guesses.push(answer.status);
    }
    expect(guesses).toEqual([...Array<number>(10).fill(403), 410]);

    await register(visitor, 'late@example.org');
    const late = linkIn(await server.next(), 'confirm');
    fixture.clock.advance(24 * HOUR_MS);
    expect((await visitor.get(late)).status).toBe(410);
    for (const token of ['', 'x', 'A'.repeat(43), 'token'])
      expect((await visitor.get(`/confirm?token=${token}`)).status).toBe(410);
    expect((await visitor.get('/confirm')).status).toBe(410);
  });

  it('floods no mailbox', async () => {
    const visitor = await come();
    for (let i = 0; i < 4; i++) expect((await register(visitor, 'flood@example.org')).status).toBe(200);
    for (let i = 0; i < 3; i++) await server.next();
    // The fourth would have come before this one.
    await register(visitor, 'marker@example.org');
    expect((await server.next()).to).toContain('marker@example.org');
  });
});

describe('a lost password', () => {
  const ask = (visitor: WebVisitor, email: string): Promise<WebAnswer> => visitor.submit('/forgot', { email });

  it('is replaced by a link that works once, and every session ends', async () => {
    const browser = await openAccount('lost@example.org');
    const visitor = await come();
    expect((await ask(visitor, 'lost@example.org')).status).toBe(200);
    const mail = await server.next();
    const link = linkIn(mail, 'reset');
    expect((await browser.get('/account')).status).toBe(200);
    expect((await visitor.submit(link, { password: 'short' })).status).toBe(422);
    expect((await visitor.submit(link, { password: 'Lost@example.org' })).status).toBe(422);
    expect((await visitor.submit(link, { password: 'a brand new password' })).status).toBe(200);
    expect((await server.next()).text).toContain('password of your Peerkeep account was changed');
    expect((await browser.get('/account')).status).toBe(303);
    expect((await visitor.get(link)).status).toBe(410);
    expect((await visitor.submit('/sign-in', { email: 'lost@example.org', password: PASSWORD })).status).toBe(403);
    const renewed = { email: 'lost@example.org', password: 'a brand new password' };
    expect((await visitor.submit('/sign-in', renewed)).status).toBe(303);
  });

  it('tells the owner when it was changed, though strangers used up the mails, and knows the network', async () => {
    await openAccount('told@example.org');
    const visitor = await come();
    for (let i = 0; i < 2; i++) await ask(visitor, 'told@example.org');
    const [, link] = [await server.next(), linkIn(await server.next(), 'reset')];
    const database = await BrokerDatabase.open(`${fixture.dataDir}/broker.db`);
    const known = async (): Promise<number> =>
      (
        await database.reads.query(
          "SELECT 1 FROM account_networks WHERE account_id = (SELECT id FROM accounts WHERE email = 'told@example.org')",
        )
      ).length;
    expect(await known()).toBe(1);
    await database.write((db) => db.query('DELETE FROM account_networks'));
    expect((await visitor.submit(link, { password: 'a brand new password' })).status).toBe(200);
    expect((await server.next()).text).toContain('password of your Peerkeep account was changed');
    expect(await known()).toBe(1);
    await database.close();
  });

  it('is asked for alike where there is no account, and nothing is mailed', async () => {
    await openAccount('has@example.org');
    const visitor = await come();
    const answers: string[] = [];
    for (const email of ['hasnot@example.org', 'has@example.org']) {
      const commits = fixture.broker.commits;
      const answer = await ask(visitor, email);
      answers.push(`${answer.status} ${fixture.broker.commits - commits} ${answer.text}`);
    }
    expect(answers[1]).toBe(answers[0]);
    expect((await server.next()).to).toContain('<has@example.org>');
    const unsolved = await visitor.submit('/forgot', { email: 'has@example.org', 'captcha-answer': '00000' });
    expect(unsolved.status).toBe(422);
  });

  it('has an hour, and a link of one kind does not work as another', async () => {
    await openAccount('hour@example.org');
    const visitor = await come();
    await ask(visitor, 'hour@example.org');
    const link = linkIn(await server.next(), 'reset');
    expect((await visitor.get(link.replace('/reset', '/confirm'))).status).toBe(410);
    fixture.clock.advance(HOUR_MS);
    expect((await visitor.get(link)).status).toBe(410);
  });

  it('keeps only hashes of links', async () => {
    await openAccount('hashed@example.org');
    const visitor = await come();
    await ask(visitor, 'hashed@example.org');
    const link = linkIn(await server.next(), 'reset');
    const database = await BrokerDatabase.open(`${fixture.dataDir}/broker.db`);
    const rows = JSON.stringify(await database.reads.query('SELECT * FROM mail_links'));
    await database.close();
    expect(rows).toContain('hashed@example.org');
    expect(rows).not.toContain(link.split('=')[1]);
  });
});

describe('links in mails', () => {
  it('begin with the address that the operator set, whatever the request says', async () => {
    const mail = { kind: 'smtp', from: 'broker@backup.example' };
    const behind = await BrokerFixture.start({ mail, webUrl: WEB_URL }, { testMode: true, smtpUrl: server.url });
    const visitor = await WebVisitor.come(behind);
    const hostile = { host: 'evil.example', 'x-forwarded-host': 'evil.example', origin: WEB_URL };
    const fields = { email: 'host@example.org', name: 'Ada', password: PASSWORD };
    expect((await visitor.submit('/register', fields, { ...hostile, origin: 'https://evil.example' })).status).toBe(
      403,
    );
    expect((await visitor.submit('/register', fields, hostile)).status).toBe(200);
    const received = await server.next();
    linkIn(received, 'confirm', WEB_URL);
    expect(received.text).not.toContain('evil');
    await visitor.leave();
    await behind.remove();
  });

  it('are the listener’s own without one, and never the Host header', async () => {
    const visitor = await come();
    const fields = { email: 'own@example.org', name: 'Ada', password: PASSWORD };
    const answer = await visitor.submit('/register', fields, { host: 'evil.example', origin: 'https://evil.example' });
    expect(answer.status).toBe(200);
    expect((await server.next()).text).not.toContain('evil');
  });
});

async function tokenOf(visitor: WebVisitor): Promise<string> {
  return /name="form_token" value="([^"]+)"/.exec((await visitor.get('/sign-in')).text)![1]!;
}
