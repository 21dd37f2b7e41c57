// Shards over real mutual TLS: only to the right peer, whole or not at all, and one transfer never harms another.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Pool } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectionRefusal, httpsOrigin, type PeerHome, trustedConnector } from '#peer-home';
import { FakeClock, openLog } from '#process';
import {
  ALPN_SHARDS,
  contentIdOf,
  encodeReceipt,
  es256Signer,
  type PeerAddress,
  ProtocolError,
  problemFrom,
  type ReceiptClaims,
  type TransactionId,
  uuidV7,
} from '#protocol';
import { TestAuthority, type TestIdentity } from '../../../test/authority.js';
import { createHome, FIXTURE_TIME_MS, peerIdOf } from '../../../test/peer-fixture.js';
import { TlsHost, type TlsHostOptions } from '../../../test/tls-host.js';
import { PEER_CODES } from './host-connections.js';
import { RATE_WINDOW_MS } from './limits.js';
import { PeerLink } from './peer-link.js';

const CLIENT = peerIdOf(1);
const HOST = peerIdOf(2);
const TRANSACTION = uuidV7<TransactionId>(FIXTURE_TIME_MS, new Uint8Array(10).fill(3));
const TOKEN = 'v3.local.token';
const SHARD = randomBytes(300_000);
const CID = contentIdOf(SHARD);

let authority: TestAuthority;
let hostIdentity: TestIdentity;
let home: PeerHome;
let clock: FakeClock;
let link: PeerLink;
const hosts: TlsHost[] = [];

beforeEach(async () => {
  authority = await TestAuthority.create();
  hostIdentity = await authority.issue(HOST);
  home = await createHome(authority, { peerId: CLIENT });
  clock = new FakeClock(FIXTURE_TIME_MS);
  link = linkOf(home);
});

afterEach(async () => {
  await link.close();
  await Promise.all(hosts.splice(0).map((host) => host.stop()));
});

function linkOf(of: PeerHome): PeerLink {
  return new PeerLink({ home: of, clock, log: openLog('test', 'silent') });
}

async function start(answer: TlsHostOptions['answer'], change: Partial<TlsHostOptions> = {}): Promise<TlsHost> {
  const host = await TlsHost.start({ peerId: HOST, identity: hostIdentity, caPem: authority.caPem, answer, ...change });
  hosts.push(host);
  return host;
}

function receiptOf(change: Partial<ReceiptClaims> = {}, identity: TestIdentity = hostIdentity): string {
  const claims: ReceiptClaims = {
    trustDomain: authority.trustDomain,
    transactionId: TRANSACTION,
    op: 'put',
    hostId: HOST,
    clientId: CLIENT,
    items: [{ cid: CID, sizeBytes: SHARD.length, result: 'stored' }],
    timeMs: FIXTURE_TIME_MS,
    ...change,
  };
  return encodeReceipt(claims, es256Signer(identity.privateKeyPem));
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const stores =
  (receipt: string, status = 201) =>
  async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await bodyOf(request);
    if (!body.equals(SHARD) || request.url !== `/shards/${CID}`) response.writeHead(400).end();
    else response.writeHead(status).end(JSON.stringify({ receipt }));
  };

const serves =
  (bytes: Uint8Array, receipt: string | null = null) =>
  (_request: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(200, receipt === null ? {} : { trailer: 'peerkeep-receipt' });
    response.write(bytes);
    if (receipt !== null) response.addTrailers({ 'peerkeep-receipt': receipt });
    response.end();
  };

const refuses =
  (error: ProtocolError) =>
  (_request: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(error.status).end(JSON.stringify(problemFrom(error)));
  };

const put = (host: PeerAddress, of: PeerLink = link): ReturnType<PeerLink['putShard']> =>
  of.putShard({ host, token: TOKEN, cid: CID, bytes: SHARD, transactionId: TRANSACTION });
const get = (host: PeerAddress, signal?: AbortSignal): ReturnType<PeerLink['getShard']> =>
  link.getShard({ host, token: TOKEN, cid: CID, sizeBytes: SHARD.length, transactionId: TRANSACTION, signal });

describe('putting a shard', () => {
  it('sends exactly its bytes under its token, and returns the receipt', async () => {
    let token: string | undefined;
    const receipt = receiptOf();
    const host = await start((request, response) => {
      token = request.headers.authorization;
      void stores(receipt)(request, response);
    });
    expect(await put(host.address)).toEqual({ receipt, firstTime: true });
    expect(token).toBe(`Peerkeep ${TOKEN}`);
  });

  it('tells a repeat from the first time', async () => {
    const host = await start(stores(receiptOf(), 200));
    expect((await put(host.address)).firstTime).toBe(false);
  });

  it('keeps its connections for the next shards', async () => {
    const host = await start(stores(receiptOf()));
    for (let i = 0; i < 10; i++) await put(host.address);
    // A connection rests for one turn of the event loop after its answer, so the next shard may open a second one.
    expect(host.requests).toBe(10);
    expect(host.connections).toBeLessThanOrEqual(2);
  });

  it('refuses a receipt that the host did not sign', async () => {
    const host = await start(stores(receiptOf({}, await authority.issue(HOST))));
    await expect(put(host.address)).rejects.toMatchObject({ code: 'receipt_invalid' });
  });

  it.each<[string, Partial<ReceiptClaims>]>([
    ['another transaction', { transactionId: uuidV7<TransactionId>(FIXTURE_TIME_MS, new Uint8Array(10).fill(9)) }],
    ['another client', { clientId: HOST }],
    ['another domain', { trustDomain: 'other.example' }],
    ['a get', { op: 'get', items: [{ cid: CID, sizeBytes: SHARD.length, result: 'served' }] }],
    ['another shard', { items: [{ cid: contentIdOf(randomBytes(8)), sizeBytes: SHARD.length, result: 'stored' }] }],
    ['fewer bytes', { items: [{ cid: CID, sizeBytes: 1, result: 'stored' }] }],
  ])('refuses a receipt for %s', async (_what, change) => {
    const host = await start(stores(receiptOf(change)));
    await expect(put(host.address)).rejects.toMatchObject({ code: 'receipt_mismatch' });
  });

  it('says why the host refuses, and which host', async () => {
    const host = await start(refuses(new ProtocolError('token_expired')));
    await expect(put(host.address)).rejects.toMatchObject({ code: 'token_expired', facts: { hostId: HOST } });
  });

  it('hears a refusal that comes before the bytes are sent', async () => {
    // The host answers at the head of the request, takes nothing, and closes when the client stops.
    const host = await start((request, response) => {
      request.resume();
      response.writeHead(507, { connection: 'close' }).end(JSON.stringify(problemFrom(new ProtocolError('host_full'))));
    });
    const bytes = randomBytes(32 * 1024 * 1024);
    const large = { host: host.address, token: TOKEN, cid: CID, bytes };
    await expect(link.putShard(large)).rejects.toMatchObject({ code: 'host_full' });
  });

  it('does not let a host speak for the broker', async () => {
    const host = await start(refuses(new ProtocolError('credit_exceeded')));
    await expect(put(host.address)).rejects.toMatchObject({ code: 'peer_unreachable' });
  });

  it('ends a transfer that the host stops taking', async () => {
    let seen: (() => void) | null = null;
    const arrived = new Promise<void>((resolve) => {
      seen = resolve;
    });
    const host = await start(() => seen?.());
    const bytes = randomBytes(32 * 1024 * 1024);
    const putting = link.putShard({ host: host.address, token: TOKEN, cid: CID, bytes });
    const failure = expect(putting).rejects.toMatchObject({ code: 'transfer_too_slow' });
    await arrived;
    const ticking = setInterval(() => clock.advance(RATE_WINDOW_MS), 5);
    await failure.finally(() => clearInterval(ticking));
  });
});

describe('getting a shard', () => {
  it('returns exactly its bytes, and the receipt that came after them', async () => {
    const receipt = receiptOf({ op: 'get', items: [{ cid: CID, sizeBytes: SHARD.length, result: 'served' }] });
    const host = await start(serves(SHARD, receipt));
    const got = await get(host.address);
    expect(got.bytes.equals(SHARD)).toBe(true);
    expect(got.receipt).toBe(receipt);
  });

  it('needs no receipt, and hands on no false one', async () => {
    const none = await start(serves(SHARD));
    expect(await get(none.address)).toMatchObject({ receipt: null });
    const wrong = await start(serves(SHARD, receiptOf({ op: 'put' })));
    expect(await get(wrong.address)).toMatchObject({ receipt: null });
  });

  it.each<[string, Uint8Array, string]>([
    ['fewer bytes', SHARD.subarray(1), 'shard_too_short'],
    ['more bytes', Buffer.concat([SHARD, Buffer.from([0])]), 'shard_too_long'],
    ['other bytes', Buffer.concat([SHARD.subarray(1), Buffer.from([0])]), 'shard_content_mismatch'],
  ])('refuses %s, and names the host', async (_what, bytes, code) => {
    const host = await start(serves(bytes));
    await expect(get(host.address)).rejects.toMatchObject({ code, facts: { hostId: HOST } });
  });

  it('says why the host refuses', async () => {
    const host = await start(refuses(new ProtocolError('shard_unknown')));
    await expect(get(host.address)).rejects.toMatchObject({ code: 'shard_unknown', facts: { hostId: HOST } });
  });

  it('refuses an answer that is cut off', async () => {
    const host = await start((_request, response) => {
      response.writeHead(200, { 'content-length': SHARD.length });
      response.write(SHARD.subarray(0, 100_000), () => response.destroy());
    });
    await expect(get(host.address)).rejects.toMatchObject({ code: 'peer_unreachable' });
  });

  it('ends a transfer that has all but stopped', async () => {
    const host = await start((_request, response) => {
      response.writeHead(200);
      response.write(SHARD.subarray(0, 100_000));
    });
    const failure = expect(get(host.address)).rejects.toMatchObject({ code: 'transfer_too_slow' });
    const ticking = setInterval(() => clock.advance(RATE_WINDOW_MS), 5);
    await failure.finally(() => clearInterval(ticking));
  });

  it('stops one transfer at the wish of the caller, and no other', async () => {
    const held: ServerResponse[] = [];
    let both: (() => void) | null = null;
    const arrived = new Promise<void>((resolve) => {
      both = resolve;
    });
    const host = await start((_request, response) => {
      response.writeHead(200);
      response.write(SHARD.subarray(0, 10));
      held.push(response);
      if (held.length === 2) both?.();
    });
    const controller = new AbortController();
    const stopped = get(host.address, controller.signal);
    const other = get(host.address);
    await arrived;
    controller.abort();
    await expect(stopped).rejects.toMatchObject({ code: 'interrupted' });
    // The host notices at once, and can give the token back.
    await Promise.race(held.map((response) => once(response, 'close')));
    for (const response of held) response.end(SHARD.subarray(10));
    expect((await other).bytes.equals(SHARD)).toBe(true);
  });

  it('does not begin when it is stopped already', async () => {
    const host = await start(serves(SHARD));
    await expect(get(host.address, AbortSignal.abort())).rejects.toMatchObject({ code: 'interrupted' });
    expect(host.requests).toBe(0);
  });
});

describe('nothing flows', () => {
  /** No request reached the host's application. */
  async function refused(host: TlsHost, code: string | RegExp, of: PeerLink = link): Promise<void> {
    await expect(put(host.address, of)).rejects.toMatchObject({ code: expect.stringMatching(code) as unknown });
    expect(host.requests).toBe(0);
  }
  const never = (_request: IncomingMessage, response: ServerResponse): void => void response.writeHead(500).end();
  const EXPIRED = { notAfterMs: Date.now() - 60_000 };

  it('to another peer of the same domain', async () => {
    await refused(await start(never, { identity: await authority.issue(peerIdOf(9)) }), /^peer_untrusted$/);
  });

  it('to the broker in the place of a peer', async () => {
    await refused(await start(never, { identity: await authority.issue('broker') }), /^peer_untrusted$/);
  });

  it('to a peer of another CA that claims the same id', async () => {
    const stranger = await TestAuthority.create();
    await refused(await start(never, { identity: await stranger.issue(HOST) }), /^peer_untrusted$/);
  });

  it('to a peer whose certificate has expired', async () => {
    const identity = await authority.issue(HOST, EXPIRED);
    await refused(await start(never, { identity }), /^peer_untrusted$/);
  });

  it('to a listener that runs another application', async () => {
    await refused(await start(never, { alpn: ['http/1.1'] }), /^peer_untrusted$/);
  });

  it('to a listener that names no application', async () => {
    await refused(await start(never, { alpn: [] }), /^peer_untrusted$/);
  });

  it('from a client with a certificate of another CA', async () => {
    const identity = await (await TestAuthority.create()).issue(CLIENT);
    const host = await start(never);
    await refused(host, /^peer_un/, linkOf(await createHome(authority, { peerId: CLIENT, identity })));
  });

  it('from a client whose certificate has expired', async () => {
    const identity = await authority.issue(CLIENT, EXPIRED);
    const host = await start(never);
    await refused(host, /^peer_un/, linkOf(await createHome(authority, { peerId: CLIENT, identity })));
  });

  it('from a client that shows no certificate', async () => {
    const host = await start(never);
    const connect = trustedConnector({
      caPem: authority.caPem,
      expected: { trustDomain: authority.trustDomain, subject: HOST },
      alpn: ALPN_SHARDS,
      codes: PEER_CODES,
    });
    const pool = new Pool(httpsOrigin({ host: host.address.address, port: host.address.port }), { connect });
    const failure = await pool.request({ method: 'GET', path: '/' }).catch((error: Error) => error);
    await pool.destroy();
    expect(connectionRefusal(failure as Error, PEER_CODES).code).toMatch(/^peer_un/);
    expect(host.requests).toBe(0);
  });

  it('where nobody listens', async () => {
    const host = await start(never);
    const { address } = host;
    await host.stop();
    hosts.splice(0);
    await expect(put(address)).rejects.toMatchObject({ code: 'peer_unreachable' });
  });
});

describe('a host that moved', () => {
  it('is reached at its new address', async () => {
    const before = await start(serves(SHARD));
    await get(before.address);
    const after = await start(serves(SHARD));
    await get(after.address);
    expect([before.requests, after.requests]).toEqual([1, 1]);
  });
});
