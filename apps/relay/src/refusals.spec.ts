// What a relay refuses: 0 bytes come to a peer before both leases hold, limits hold to the byte, and it is no open proxy (F1).
import { connect, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectTrusted } from '#peer-home';
import { LEASE_HEADER } from '#peer-link';
import { ALPN_REACH, ALPN_RELAY, ALPN_SHARDS, isRefusal, type LeaseClaims, type Requester } from '#protocol';
import { TestAuthority } from '../../../test/authority.js';
import { eventually, turns } from '../../../test/eventually.js';
import { peerIdOf } from '../../../test/peer-fixture.js';
import {
  type AttachedHost,
  CLIENT_ID,
  HOST_ID,
  makeSigningPair,
  RELAY_ID,
  RelayFixture,
} from '../../../test/relay-fixture.js';
import { OPENINGS_BURST, OPENINGS_PER_SECOND } from './limits.js';

const OTHER_ID = peerIdOf(7);
const HOUR_MS = 3_600_000;

let fixture: RelayFixture;

beforeEach(async () => {
  fixture = await RelayFixture.start();
});

afterEach(async () => {
  await fixture.stop();
});

async function codeOf(opening: Promise<unknown>): Promise<string> {
  try {
    await opening;
    return 'carried';
  } catch (error) {
    return isRefusal(error) ? error.code : String(error);
  }
}

/** A request of a client as it is written, with 64 KiB behind it; the status and headers of the answer. */
async function ask(headers: OutgoingHttpHeaders, as: Requester = CLIENT_ID): Promise<IncomingHttpHeaders> {
  const { caPem, trustDomain, own } = await fixture.identity(as);
  const expected = { trustDomain, subject: RELAY_ID };
  const codes = { unreachable: 'peer_unreachable', untrusted: 'peer_untrusted' } as const;
  const options = { caPem, expected, alpn: ALPN_REACH, own, codes };
  const socket = await connectTrusted(options, { host: '127.0.0.1', port: fixture.relay.port });
  const session = connect('http://relay', { createConnection: () => socket });
  session.on('error', () => session.destroy());
  try {
    const stream = session.request(headers, { endStream: false });
    stream.on('error', () => stream.destroy());
    stream.write(Buffer.alloc(64 * 1024));
    return await new Promise((resolve, reject) => {
      stream.once('response', resolve);
      stream.once('close', () => reject(new Error('no answer')));
    });
  } finally {
    session.destroy();
  }
}

/** No stream came to the host, and no bulk connection was asked for. */
function expectUntouched(host: AttachedHost): void {
  expect(host.streams.length).toBe(0);
  expect(host.receivedBytes).toBe(0);
  expect(host.open('bulk')).toBe(0);
}

const past: Partial<LeaseClaims> = { issuedAtMs: Date.now() - 2 * HOUR_MS, expiresAtMs: Date.now() - HOUR_MS };
const future: Partial<LeaseClaims> = { issuedAtMs: Date.now() + HOUR_MS, expiresAtMs: Date.now() + 2 * HOUR_MS };

describe('a reach lease', () => {
  const WRONG: readonly (readonly [string, string, () => string])[] = [
    ['none', 'lease_invalid', () => ''],
    ['of another relay', 'lease_wrong_relay', () => fixture.lease('reach', { relayId: OTHER_ID })],
    ['that has ended', 'lease_expired', () => fixture.lease('reach', past)],
    ['that has not begun', 'lease_expired', () => fixture.lease('reach', future)],
    ['of another client', 'lease_wrong_peer', () => fixture.lease('reach', { subject: OTHER_ID })],
    ['of the broker', 'lease_wrong_peer', () => fixture.lease('reach', { subject: 'broker' })],
    ['to another host', 'lease_wrong_peer', () => fixture.lease('reach', { peerId: OTHER_ID })],
    ['of another domain', 'lease_invalid', () => fixture.lease('reach', { trustDomain: 'other.example' })],
    ['signed by another key', 'lease_invalid', () => fixture.lease('reach', {}, makeSigningPair().signer)],
    [
      'signed by another key under the name of ours',
      'lease_invalid',
      () => fixture.lease('reach', {}, { ...makeSigningPair().signer, kid: fixture.signing.signer.kid }),
    ],
    ['that is a serve lease', 'lease_invalid', () => fixture.lease('serve')],
    [
      'that is a serve lease of the client',
      'lease_invalid',
      () => fixture.lease('serve', { subject: CLIENT_ID, peerId: CLIENT_ID }),
    ],
    [
      'with a character changed',
      'lease_invalid',
      () => fixture.lease('reach').replace(/.$/, (c) => (c === 'A' ? 'B' : 'A')),
    ],
  ];

  it.each(WRONG)('%s: %s, and nothing comes to the host', async (_what, code, lease) => {
    const host = await fixture.attach();
    const text = lease();
    expect(await codeOf((await fixture.dialer()).open(fixture.way(text), HOST_ID))).toBe(code);
    const answer = await ask({ ':method': 'CONNECT', ':authority': HOST_ID, [LEASE_HEADER]: text });
    expect(answer['peerkeep-code']).toBe(code);
    expect(Number(answer[':status'])).toBeGreaterThanOrEqual(400);
    expectUntouched(host);
    expect(fixture.relay.tunnels.movedBytes).toEqual({ to_peer: 0, from_peer: 0 });
  });

  it('that holds is carried: the same way, and the broker by a lease of its own', async () => {
    const host = await fixture.attach();
    expect(await codeOf((await fixture.dialer()).open(fixture.way(), HOST_ID))).toBe('carried');
    const lease = fixture.lease('reach', { subject: 'broker' });
    expect(await codeOf((await fixture.dialer('broker')).open(fixture.way(lease), HOST_ID))).toBe('carried');
    expect(host.from).toEqual([CLIENT_ID, 'broker']);
  });

  it('for a peer that is not here, or is no more', async () => {
    const dialer = await fixture.dialer();
    expect(await codeOf(dialer.open(fixture.way(), HOST_ID))).toBe('peer_not_attached');
    const host = await fixture.attach();
    host.destroy();
    await eventually(() => fixture.relay.peers.count === 0);
    expect(await codeOf(dialer.open(fixture.way(), HOST_ID))).toBe('peer_not_attached');
  });

  it('moves as many bytes as it says, over all its streams and both directions, and not one more', async () => {
    const host = await fixture.attach();
    host.use = (stream) => stream.resume();
    const dialer = await fixture.dialer();
    const bytesMax = 3 * 16_384;
    const way = fixture.way(fixture.lease('reach', { bytesMax }));
    const streams = [await dialer.open(way, HOST_ID), await dialer.open(way, HOST_ID)];
    for (const stream of streams) {
      stream.on('error', () => undefined);
      for (let i = 0; i < 20; i++) stream.write(Buffer.alloc(16_384));
    }
    await eventually(() => streams.some(({ destroyed }) => destroyed));
    await eventually(() => fixture.relay.tunnels.count < 2);
    await turns(200);
    expect(host.receivedBytes).toBeLessThanOrEqual(bytesMax);
    expect(host.receivedBytes).toBeGreaterThan(bytesMax - 16_384);
    await fixture.relay.triggers.usage();
    // What was handed on when a stream was ended may not arrive, and is counted.
    const told = fixture.broker.relayUsage.get(way.lease) ?? 0;
    expect(told).toBeGreaterThanOrEqual(host.receivedBytes);
    expect(told).toBeLessThanOrEqual(bytesMax);
  });

  it('that is spent is refused, and moves no faster than it says', async () => {
    const host = await fixture.attach();
    host.use = (stream) => stream.resume();
    const dialer = await fixture.dialer();
    const bytesPerSecondMax = 1024 * 1024;
    const bytesMax = 4 * bytesPerSecondMax;
    const way = fixture.way(fixture.lease('reach', { bytesPerSecondMax, bytesMax }));
    const stream = await dialer.open(way, HOST_ID);
    stream.on('error', () => undefined);
    stream.write(Buffer.alloc(2 * bytesMax));
    // At once: a quarter of a second, and the piece that passed it.
    await eventually(() => host.receivedBytes >= bytesPerSecondMax / 4);
    await turns(300);
    expect(host.receivedBytes).toBeLessThanOrEqual(bytesPerSecondMax / 4 + 32_768);
    const before = host.receivedBytes;
    for (let step = 0; step < 10; step++) {
      fixture.clock.advance(100);
      await eventually(() => host.receivedBytes >= before + ((step + 1) * bytesPerSecondMax) / 10 - 65_536);
      await turns(100);
    }
    expect(host.receivedBytes - before).toBeLessThanOrEqual(bytesPerSecondMax + 65_536);
    for (let step = 0; step < 60 && !stream.destroyed; step++) {
      fixture.clock.advance(100);
      await turns(100);
    }
    await eventually(() => stream.destroyed);
    expect(host.receivedBytes).toBeLessThanOrEqual(bytesMax);
    expect(await codeOf(dialer.open(way, HOST_ID))).toBe('lease_spent');
  });

  it('opens streams no faster than resets are borne by the connections of the host', async () => {
    const host = await fixture.attach();
    const dialer = await fixture.dialer();
    const way = fixture.way();
    const open = async () => (await dialer.open(way, HOST_ID)).on('error', () => undefined).destroy();
    for (let i = 0; i < OPENINGS_BURST; i++) await open();
    expect(await codeOf(open())).toBe('relay_full');
    expect(await codeOf(dialer.open(fixture.way(), HOST_ID))).toBe('carried');
    fixture.clock.advance(1_000);
    for (let i = 0; i < OPENINGS_PER_SECOND; i++) await open();
    expect(await codeOf(open())).toBe('relay_full');
    expect(host.streams.length).toBe(OPENINGS_BURST + 1 + OPENINGS_PER_SECOND);
  });

  it('is good for nothing when the serve lease of the host is spent', async () => {
    const serve = fixture.lease('serve', { bytesMax: 10_000 });
    const host = await fixture.attach(HOST_ID, serve);
    const stream = await (await fixture.dialer()).open(fixture.way(), HOST_ID);
    stream.on('error', () => undefined);
    stream.write(Buffer.alloc(10_000));
    await eventually(() => stream.destroyed);
    expect(host.receivedBytes).toBe(10_000);
    expect(await codeOf((await fixture.dialer()).open(fixture.way(), HOST_ID))).toBe('lease_spent');
  });
});

describe('a serve lease', () => {
  const WRONG: readonly (readonly [string, string, () => string])[] = [
    ['none', 'lease_invalid', () => ''],
    ['of another relay', 'lease_wrong_relay', () => fixture.lease('serve', { relayId: OTHER_ID })],
    ['of another peer', 'lease_wrong_peer', () => fixture.lease('serve', { subject: OTHER_ID, peerId: OTHER_ID })],
    ['that has ended', 'lease_expired', () => fixture.lease('serve', past)],
    ['signed by another key', 'lease_invalid', () => fixture.lease('serve', {}, makeSigningPair().signer)],
    ['that is a reach lease', 'lease_invalid', () => fixture.lease('reach')],
    [
      'that is a reach lease of the host',
      'lease_invalid',
      () => fixture.lease('reach', { subject: HOST_ID, peerId: OTHER_ID }),
    ],
  ];

  it.each(WRONG)('%s: %s, and the peer is not attached', async (_what, code, lease) => {
    const host = await fixture.attach(HOST_ID, lease());
    await eventually(() => host.goodbyes.includes(code) && host.open('control') === 0);
    expect(fixture.relay.peers.count).toBe(0);
    expect(await codeOf((await fixture.dialer()).open(fixture.way(), HOST_ID))).toBe('peer_not_attached');
    expectUntouched(host);
  });
});

describe('no open proxy', () => {
  const ELSEWHERE: readonly (readonly [string, number, string, OutgoingHttpHeaders])[] = [
    ['an address', 400, 'request_invalid', { ':method': 'CONNECT', ':authority': '127.0.0.1:22' }],
    ['a name', 400, 'request_invalid', { ':method': 'CONNECT', ':authority': 'example.org:443' }],
    ['the metadata of a cloud', 400, 'request_invalid', { ':method': 'CONNECT', ':authority': '169.254.169.254:80' }],
    ['an ordinary request', 404, 'route_unknown', { ':method': 'GET', ':path': '/http://example.org/' }],
    ['a request to a path', 404, 'route_unknown', { ':method': 'POST', ':path': '/attachment' }],
  ];

  it.each(ELSEWHERE)('%s, even with a lease that holds', async (_what, status, code, headers) => {
    const host = await fixture.attach();
    const answer = await ask({ ...headers, [LEASE_HEADER]: fixture.lease('reach') });
    expect([answer[':status'], answer['peerkeep-code']]).toEqual([status, code]);
    expectUntouched(host);
  });

  it('answers a refused request with fewer bytes than it took, and a refused client with no request to anybody', async () => {
    const host = await fixture.attach();
    const before = fixture.broker.relayPresences.length;
    const text = fixture.lease('reach', { subject: OTHER_ID });
    const headers = { ':method': 'CONNECT', ':authority': HOST_ID, [LEASE_HEADER]: text };
    const answer = await ask(headers);
    expect(JSON.stringify(answer).length).toBeLessThan(JSON.stringify(headers).length);
    expect(fixture.broker.relayPresences.length).toBe(before);
    expectUntouched(host);
  });

  it.each([
    ['without a certificate', undefined, ALPN_REACH],
    ['of another trust domain', 'other.example', ALPN_REACH],
    ['of another application', 'same', ALPN_SHARDS],
  ])('refuses a connection %s', async (_what, domain, alpn) => {
    const stranger = domain === 'other.example' ? await TestAuthority.create(domain) : fixture.authority;
    const identity = await stranger.issue(CLIENT_ID);
    const socket = tlsConnect({
      host: '127.0.0.1',
      port: fixture.relay.port,
      ca: [fixture.authority.caPem],
      ...(domain === undefined ? {} : { cert: identity.certificatePem, key: identity.privateKeyPem }),
      ALPNProtocols: [alpn],
      checkServerIdentity: () => undefined,
    });
    socket.on('error', () => socket.destroy());
    socket.resume();
    await new Promise((resolve) => socket.once('close', resolve));
    expect(socket.bytesRead).toBe(0);
  });

  it('the broker does not attach itself, and a client has four connections at most', async () => {
    const { caPem, trustDomain, own } = await fixture.identity('broker');
    const expected = { trustDomain, subject: RELAY_ID };
    const codes = { unreachable: 'peer_unreachable', untrusted: 'peer_untrusted' } as const;
    const at = { host: '127.0.0.1', port: fixture.relay.port };
    const asHost = await connectTrusted({ caPem, expected, alpn: ALPN_RELAY, own, codes }, at);
    asHost.resume();
    await new Promise((resolve) => asHost.once('close', resolve));
    const sockets: TLSSocket[] = [];
    for (let i = 0; i < 5; i++) {
      const socket = await connectTrusted({ caPem, expected, alpn: ALPN_REACH, own, codes }, at);
      sockets.push(socket.resume());
    }
    await eventually(() => sockets.some(({ destroyed }) => destroyed));
    expect(sockets.filter(({ destroyed }) => destroyed).length).toBe(1);
    for (const socket of sockets) socket.destroy();
  });

  it('a relay that has as many peers as it takes refuses the next', async () => {
    await fixture.stop();
    fixture = await RelayFixture.start({ peersMax: 1 });
    await fixture.attach();
    const late = await fixture.attach(OTHER_ID);
    await eventually(() => late.goodbyes.includes('relay_full'));
    expect(fixture.relay.peers.count).toBe(1);
  });
});
