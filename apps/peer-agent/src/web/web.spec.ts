// F3: who gets which page of an agent, by this machine and by a relay; and that a link is good for no more than its owner said.
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type SharedFile, ShareFolder } from '#backup';
import type { PeerHome } from '#peer-home';
import { FakeClock, openLog } from '#process';
import { encodeBase64url, SHARE_HEAD_BYTES, sealedShareBytes } from '#protocol';
import { TestAuthority } from '../../../../test/authority.js';
import { createHome, peerIdOf } from '../../../../test/peer-fixture.js';
import { agentModule } from '../agent.module.js';
import { AgentLock } from '../agent-lock.js';
import type { WebSettings } from '../config.js';
import { AgentDatabase } from '../state/agent-database.js';
import { SESSION_LIFE_MS, SESSIONS_MAX, TICKET_LIFE_MS, WEB_BODY_BYTES_MAX } from './limits.js';
import { SignInCodes } from './sign-in-code.js';
import { WebApplication } from './web-application.js';
import { WebListener } from './web-listener.js';
import type { WebAnswer, WebAsk, WebWay } from './web-message.js';

const FILE = randomBytes(300_000);
const ORIGIN = 'https://attic.peers.test';

let clock: FakeClock;
let home: PeerHome;
let context: INestApplicationContext;
let application: WebApplication;
let shares: ShareFolder;

beforeEach(async () => {
  clock = new FakeClock(Date.UTC(2026, 10, 22));
  home = await createHome(await TestAuthority.create(), { peerId: peerIdOf(1) });
  shares = new ShareFolder(home.path);
  await open({ listen: null, visits: 'owner' });
});
afterEach(shut);

async function open(web: WebSettings): Promise<void> {
  const config = { homePath: home.path, listen: { host: '127.0.0.1', port: 0 }, web };
  const module = agentModule(config, { clock, log: openLog('test', 'silent') });
  context = await NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });
  application = context.get(WebApplication);
}

async function shut(): Promise<void> {
  await context.get(WebListener).close();
  await context.get(AgentDatabase).close();
  await context.get(AgentLock).release();
  await context.close();
}

interface Asked {
  readonly method?: string;
  readonly way?: WebWay;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

function ask(path: string, { method = 'GET', way = 'visit', headers = {}, body = '' }: Asked = {}): Promise<WebAnswer> {
  const own = method === 'POST' ? { origin: ORIGIN } : { accept: 'text/html' };
  const gone = new AbortController().signal;
  const asked: WebAsk = {
    method,
    path,
    way,
    headers: { ...own, ...headers },
    origin: ORIGIN,
    gone,
    body: async () => body,
  };
  return application.answer(asked);
}

async function bytesOf({ body }: WebAnswer): Promise<Buffer> {
  if (body === null || typeof body === 'string' || body instanceof Uint8Array) return Buffer.from(body ?? '');
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** The cookie of a new session. */
async function signIn(way: WebWay = 'visit'): Promise<string> {
  const code = await new SignInCodes(home.path).issue(clock.nowMs());
  const answer = await ask('/sign-in', { method: 'POST', way, body: `code=${code}` });
  expect([answer.status, answer.headers.location]).toEqual([303, '/']);
  return String(answer.headers['set-cookie']).split(';')[0]!;
}

function share(change: Partial<SharedFile> = {}): Promise<SharedFile> {
  const nowMs = clock.nowMs();
  const terms = { createdAtMs: nowMs, expiresAtMs: nowMs + 3_600_000, downloadsMax: 3, modifiedMs: 1, ...change };
  const order = { name: 'a.bin', snapshotId: 's', path: '/a.bin', sizeBytes: FILE.length, ...terms };
  async function* content(): AsyncGenerator<Uint8Array> {
    yield FILE;
  }
  return shares.create({ id: randomBytes(16), key: randomBytes(32) }, order, content());
}

async function ticketOf(id: string): Promise<string | null> {
  const answer = await ask(`/s/${id}/downloads`, { method: 'POST' });
  return answer.status === 201 ? (JSON.parse(String(answer.body)) as { ticket: string }).ticket : null;
}

describe('what a relay can show', () => {
  it.each([
    ['none', 404, 404],
    ['shares', 200, 404],
    ['owner', 200, 401],
  ] as const)('with --web-visits %s: a share %i, the pages of the owner %i', async (visits, shared, owned) => {
    await shut();
    await open({ listen: null, visits });
    const { id } = await share();
    expect((await ask(`/s/${id}`)).status).toBe(shared);
    for (const path of ['/', '/files/', '/shares', '/events']) expect((await ask(path)).status, path).toBe(owned);
    expect((await ask('/sign-in')).status).toBe(owned === 404 ? 404 : 200);
    // On this machine all of it is there.
    expect((await ask('/', { way: 'loopback' })).status).toBe(401);
    expect((await ask(`/s/${id}`, { way: 'loopback' })).status).toBe(200);
  });

  it('is not there under another method, or another path', async () => {
    const { id } = await share();
    for (const path of ['/s', `/s/${id}/`, '/s/../', '/assets/../manifest.json', '/assets/manifest.json', '/nowhere']) {
      expect((await ask(path)).status, path).toBe(404);
    }
    const wrong = await ask(`/s/${id}`, { method: 'DELETE' });
    expect([wrong.status, wrong.headers.allow]).toEqual([405, 'GET, HEAD']);
    expect((await ask(`/s/${id}/downloads`)).status).toBe(405);
    expect((await ask('/socket', { method: 'CONNECT' })).status).toBe(404);
  });

  it('lets no page do anything elsewhere: policy, frames, types', async () => {
    const { id } = await share();
    for (const path of [`/s/${id}`, '/', '/nowhere']) {
      const { headers } = await ask(path);
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'cache-control': 'no-store',
      });
      expect(headers['content-security-policy']).toMatch(
        /^default-src 'none'; script-src 'self'; .*frame-ancestors 'none'/,
      );
      expect(headers['content-security-policy']).not.toContain('unsafe');
    }
    expect((await ask(`/s/${id}/head`)).headers['content-security-policy']).toBe("sandbox; default-src 'none'");
  });
});

describe('sessions', () => {
  it('open the pages to their cookie alone, and end', async () => {
    const cookie = await signIn();
    expect((await ask('/', { headers: { cookie } })).status).toBe(200);
    const others = ['', `${cookie}x`, cookie.slice(0, -1), `${cookie}; ${cookie}`, '__Host-peerkeep-owner='];
    for (const other of others) expect((await ask('/', { headers: { cookie: other } })).status, other).toBe(401);
    clock.advance(SESSION_LIFE_MS - 1);
    expect((await ask('/', { headers: { cookie } })).status).toBe(200);
    clock.advance(1);
    expect((await ask('/', { headers: { cookie } })).status).toBe(401);
  });

  it('of this machine are none for a relay, which sees what passes through it', async () => {
    const cookie = await signIn('loopback');
    expect((await ask('/', { way: 'loopback', headers: { cookie } })).status).toBe(200);
    expect((await ask('/', { headers: { cookie } })).status).toBe(401);
  });

  it('are few: a new one ends the oldest', async () => {
    const cookies: string[] = [];
    for (let i = 0; i <= SESSIONS_MAX; i++) cookies.push(await signIn());
    const statuses = await Promise.all(cookies.map(async (cookie) => (await ask('/', { headers: { cookie } })).status));
    expect(statuses).toEqual([401, ...Array.from({ length: SESSIONS_MAX }, () => 200)]);
  });

  it('begin with a code that is used up by one of two who show it at once, and by no wrong one', async () => {
    const code = await new SignInCodes(home.path).issue(clock.nowMs());
    const shown = (body: string) => ask('/sign-in', { method: 'POST', body });
    expect((await shown(`code=${encodeBase64url(randomBytes(32))}`)).status).toBe(403);
    expect((await shown('')).status).toBe(403);
    const both = await Promise.all([shown(`code=${code}`), shown(`code=${code}`)]);
    expect(both.map(({ status }) => status).sort()).toEqual([303, 403]);
  });

  it('take no order from a page elsewhere, also not from a neighbour under the same domain', async () => {
    const cookie = await signIn();
    const { id } = await share();
    const foreign = [
      { origin: 'https://evil.peers.test' },
      { origin: 'null' },
      { origin: ORIGIN, 'sec-fetch-site': 'same-site' },
    ];
    for (const headers of foreign) {
      expect((await ask(`/shares/${id}/revoke`, { method: 'POST', headers: { cookie, ...headers } })).status).toBe(403);
    }
    expect((await ask(`/shares/${id}/revoke`, { method: 'POST', headers: { cookie } })).status).toBe(303);
    expect((await ask(`/s/${id}`)).status).toBe(404);
  });
});

describe('downloads of a share', () => {
  it('are counted before anything is given out, however many begin at once, and across a restart', async () => {
    const { id } = await share();
    const tickets = await Promise.all(Array.from({ length: 10 }, () => ticketOf(id)));
    expect(tickets.filter((ticket) => ticket !== null)).toHaveLength(3);
    await shut();
    await open({ listen: null, visits: 'shares' });
    expect(await ticketOf(id)).toBeNull();
    expect((await ask(`/s/${id}`)).status).toBe(404);
  });

  it('give bytes and parts of them to their ticket alone, for a while, and not for ever', async () => {
    const { id } = await share();
    const totalBytes = sealedShareBytes(FILE.length);
    const ticket = (await ticketOf(id))!;
    const sealed = (headers: Record<string, string>, of = id) => ask(`/s/${of}/sealed`, { headers });
    const whole = await sealed({ 'peerkeep-ticket': ticket });
    expect([whole.status, (await bytesOf(whole)).length]).toEqual([200, totalBytes]);
    const part = await sealed({
      'peerkeep-ticket': ticket,
      range: `bytes=${SHARE_HEAD_BYTES}-${SHARE_HEAD_BYTES + 9}`,
    });
    expect([part.status, (await bytesOf(part)).length]).toEqual([206, 10]);
    const beyond = await sealed({ 'peerkeep-ticket': ticket, range: `bytes=${totalBytes}-` });
    expect([beyond.status, beyond.headers['content-range']]).toEqual([416, `bytes */${totalBytes}`]);
    const other = await share();
    for (const [wrong, of] of [
      ['', id],
      [encodeBase64url(randomBytes(32)), id],
      [ticket, other.id],
    ] as const) {
      expect((await sealed({ 'peerkeep-ticket': wrong }, of)).status).toBe(404);
    }
    // Twice its bytes, for breaks in the middle; then it is spent.
    expect((await sealed({ 'peerkeep-ticket': ticket })).status).toBe(200);
    expect((await sealed({ 'peerkeep-ticket': ticket })).status).toBe(404);
    const late = (await ticketOf(id))!;
    clock.advance(TICKET_LIFE_MS);
    expect((await sealed({ 'peerkeep-ticket': late })).status).toBe(404);
  });

  it('begin no more when the link has ended, and stop when it is withdrawn', async () => {
    const ended = await share({ expiresAtMs: clock.nowMs() + 60_000 });
    const ticket = (await ticketOf(ended.id))!;
    clock.advance(60_000);
    expect(await ticketOf(ended.id)).toBeNull();
    const headers = { 'peerkeep-ticket': ticket };
    expect((await ask(`/s/${ended.id}/sealed`, { headers })).status).toBe(200);
    await shares.remove(ended.id);
    expect((await ask(`/s/${ended.id}/sealed`, { headers })).status).toBe(404);
  });
});

describe('the listener on this machine', () => {
  const askAs = (port: number, host: string, body?: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const method = body === undefined ? 'GET' : 'POST';
      const headers = { host, origin: `http://${host}`, accept: 'text/html' };
      const sent = request({ port, host: '127.0.0.1', path: '/sign-in', method, headers, agent: false }, (answer) => {
        answer.resume();
        answer.on('end', () => resolve(answer.statusCode!));
      });
      sent.on('error', reject);
      sent.end(body);
    });

  it('answers to its own names, and takes no long body', async () => {
    const listener = context.get(WebListener);
    await expect(listener.listen({ host: '0.0.0.0', port: 0 })).rejects.toMatchObject({ code: 'usage' });
    await listener.listen({ host: '127.0.0.1', port: 0 });
    const port = listener.port!;
    expect(await new SignInCodes(home.path).origin()).toBe(`http://127.0.0.1:${port}`);
    expect(await askAs(port, `127.0.0.1:${port}`)).toBe(200);
    expect(await askAs(port, `localhost:${port}`)).toBe(200);
    for (const host of ['evil.test', `evil.test:${port}`, '127.0.0.1']) expect(await askAs(port, host), host).toBe(421);
    expect(await askAs(port, `127.0.0.1:${port}`, `code=${'a'.repeat(WEB_BODY_BYTES_MAX)}`)).toBe(400);
    await listener.close();
    expect(await new SignInCodes(home.path).origin()).toBeNull();
  });
});
