// A host whose certificate has ended, as a restore without broker meets it: everything else about it still has to hold (D1, D3).
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ALPN_SHARDS, isRefusal, type PeerId } from '#protocol';
import { TestAuthority, type TestIdentity } from '../../../test/authority.js';
import { isTrustedSince } from './expired-certificate.js';
import { connectTrusted } from './trusted-connection.js';

const HOST = '0193f3a0-0000-7000-8000-000000000001' as PeerId;
const OTHER = '0193f3a0-0000-7000-8000-000000000002' as PeerId;
const DAY_MS = 86_400_000;
const nowMs = Date.now();
const madeAtMs = nowMs - 20 * DAY_MS;

let authority: TestAuthority;
let stranger: TestAuthority;
beforeAll(async () => {
  authority = await TestAuthority.create();
  stranger = await TestAuthority.create();
});
let server: Server | null = null;
afterEach(() => {
  server?.close();
  server = null;
});

const ended = (daysAgo: number) => ({ notBeforeMs: nowMs - 40 * DAY_MS, notAfterMs: nowMs - daysAgo * DAY_MS });

/** What becomes of a connection to a server with this certificate. */
async function connectTo(identity: TestIdentity, expiredSinceMs?: number): Promise<string> {
  const listening = createServer(
    { key: identity.privateKeyPem, cert: identity.certificatePem, ALPNProtocols: [ALPN_SHARDS] },
    (socket) => socket.on('error', () => undefined),
  ).listen(0, '127.0.0.1');
  server = listening;
  await once(listening, 'listening');
  const { port } = listening.address() as AddressInfo;
  try {
    const socket = await connectTrusted(
      {
        caPem: authority.caPem,
        expected: { trustDomain: authority.trustDomain, subject: HOST },
        alpn: ALPN_SHARDS,
        codes: { unreachable: 'peer_unreachable', untrusted: 'peer_untrusted' },
        expiredSinceMs,
      },
      { host: '127.0.0.1', port },
    );
    socket.destroy();
    return 'trusted';
  } catch (error) {
    if (isRefusal(error)) return error.code;
    throw error;
  }
}

describe('a certificate that has ended', () => {
  it('is refused as ever, and believed where its end since a time is forgiven', async () => {
    const old = await authority.issue(HOST, ended(10));
    expect(await connectTo(old)).toBe('peer_untrusted');
    expect(await connectTo(old, madeAtMs)).toBe('trusted');
  });

  it('is refused where it had ended by then, is of another peer, or of another authority', async () => {
    expect(await connectTo(await authority.issue(HOST, ended(21)), madeAtMs)).toBe('peer_untrusted');
    expect(await connectTo(await authority.issue(OTHER, ended(10)), madeAtMs)).toBe('peer_untrusted');
    expect(await connectTo(await stranger.issue(HOST, ended(10)), madeAtMs)).toBe('peer_untrusted');
    // One that has not ended is judged as ever.
    expect(await connectTo(await authority.issue(OTHER), madeAtMs)).toBe('peer_untrusted');
    expect(await connectTo(await stranger.issue(HOST), madeAtMs)).toBe('peer_untrusted');
    expect(await connectTo(await authority.issue(HOST), madeAtMs)).toBe('trusted');
  });

  it('is none without a certificate, and the certificate of the authority itself is no host’s', () => {
    const about = { caPem: authority.caPem, expected: { trustDomain: authority.trustDomain, subject: HOST } };
    expect(isTrustedSince(undefined, { ...about, expiredSinceMs: 0 })).toBe(false);
    expect(isTrustedSince(new X509Certificate(authority.caPem), { ...about, expiredSinceMs: 0 })).toBe(false);
  });
});
