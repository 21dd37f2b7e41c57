// Names and first contact: join links (B1), SPIFFE ids (D1), the recovery proof (B7).
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { codeOf, HOST_ID, TRUST_DOMAIN } from '../../testing/examples.js';
import { encodeHex, utf8 } from '../bytes.js';
import { formatJoinLink, parseJoinLink } from './join-link.js';
import { recoveryProofMessage } from './recovery-proof.js';
import { formatSpiffeId, isTrustDomain, parseSpiffeId, spiffeIdOfAltNames } from './spiffe.js';

const CA = 'a0'.repeat(32);

describe('a join link', () => {
  it.each(['broker.example', '192.0.2.1', '::1', '2001:db8::7', 'localhost'])('to %s comes back as it was', (host) => {
    const link = { host, port: 8443, caSha256: CA };
    expect(parseJoinLink(formatJoinLink(link))).toEqual(link);
  });

  it('has the form that is documented, and forgives what copying does to it', () => {
    const text = `peerkeep://broker.example:8443/#${CA}`;
    const link = { host: 'broker.example', port: 8443, caSha256: CA };
    expect(formatJoinLink(link)).toBe(text);
    expect(parseJoinLink(` ${text}\n`)).toEqual(link);
    expect(parseJoinLink(text.replace('/#', '#'))).toEqual(link);
    expect(parseJoinLink(text.replace(CA, CA.toUpperCase()))).toEqual(link);
    expect(formatJoinLink({ ...link, host: '::1' })).toBe(`peerkeep://[::1]:8443/#${CA}`);
  });

  it.each([
    `https://broker.example:8443/#${CA}`,
    `peerkeep://broker.example/#${CA}`,
    `peerkeep://broker.example:0/#${CA}`,
    `peerkeep://broker.example:65536/#${CA}`,
    `peerkeep://broker.example:8443/#${CA.slice(2)}`,
    `peerkeep://broker.example:8443/#${CA}00`,
    `peerkeep://broker.example:8443/#${CA.replace('a', 'g')}`,
    `peerkeep://broker.example:8443/path#${CA}`,
    `peerkeep://user@broker.example:8443/#${CA}`,
    `peerkeep://broker.example@evil.example:8443/#${CA}`,
    `peerkeep://[broker.example]:8443/#${CA}`,
    `peerkeep://[1.2.3.4]:8443/#${CA}`,
    `peerkeep://::1:8443/#${CA}`,
    `peerkeep://bro ker:8443/#${CA}`,
    'peerkeep://broker.example:8443/',
    '',
  ])('is not %j', (text) => {
    expect(codeOf(() => parseJoinLink(text))).toBe('join_link_invalid');
  });
});

describe('a SPIFFE id', () => {
  it('names a peer or the broker of a trust domain (D1)', () => {
    const peer = { trustDomain: TRUST_DOMAIN, subject: HOST_ID };
    expect(formatSpiffeId(peer)).toBe(`spiffe://backup.example/peer/${HOST_ID}`);
    expect(parseSpiffeId(formatSpiffeId(peer))).toEqual(peer);
    const broker = { trustDomain: TRUST_DOMAIN, subject: 'broker' } as const;
    expect(formatSpiffeId(broker)).toBe('spiffe://backup.example/broker');
    expect(parseSpiffeId(formatSpiffeId(broker))).toEqual(broker);
  });

  it.each([
    'spiffe://backup.example',
    'spiffe://backup.example/',
    'spiffe://backup.example/broker/',
    'spiffe://backup.example/brokers',
    'spiffe://backup.example/peer/',
    'spiffe://backup.example/peer/broker',
    'spiffe://backup.example/peer/0193f3a0-0000-4000-8000-00000000000a',
    `spiffe://backup.example/peer/${HOST_ID}/x`,
    `spiffe://backup.example/peer/${HOST_ID}\n`,
    `spiffe://backup.example/peer/${HOST_ID.toUpperCase()}`,
    `spiffe://Backup.example/peer/${HOST_ID}`,
    `spiffe://backup.example:1/peer/${HOST_ID}`,
    `spiffe://-backup.example/peer/${HOST_ID}`,
    `SPIFFE://backup.example/peer/${HOST_ID}`,
    `https://backup.example/peer/${HOST_ID}`,
    `spiffe:///peer/${HOST_ID}`,
  ])('is not %j', (uri) => {
    expect(parseSpiffeId(uri)).toBeNull();
  });

  it('comes from a certificate with exactly one URI, and no name that node had to quote (D1)', () => {
    const uri = `URI:spiffe://backup.example/peer/${HOST_ID}`;
    const id = { trustDomain: TRUST_DOMAIN, subject: HOST_ID };
    expect(spiffeIdOfAltNames(uri)).toEqual(id);
    expect(spiffeIdOfAltNames(`DNS:peer.example, ${uri}, IP Address:192.0.2.1`)).toEqual(id);
    expect(spiffeIdOfAltNames(undefined)).toBeNull();
    expect(spiffeIdOfAltNames('')).toBeNull();
    expect(spiffeIdOfAltNames('DNS:peer.example')).toBeNull();
    expect(spiffeIdOfAltNames(`${uri}, ${uri}`)).toBeNull();
    expect(spiffeIdOfAltNames(`${uri}, URI:https://backup.example/`)).toBeNull();
    // A DNS name that holds ", URI:..." must not become a URI of its own.
    expect(spiffeIdOfAltNames(`DNS:"x, ${uri}, y"`)).toBeNull();
  });

  it('has a trust domain of at most 253 characters', () => {
    expect(isTrustDomain('d'.repeat(253))).toBe(true);
    for (const text of ['d'.repeat(254), '', '.', 'a.', 'A', 'a/b', 'a b', 'ä'])
      expect(isTrustDomain(text)).toBe(false);
  });
});

describe('a recovery proof', () => {
  it('covers the trust domain, the time and the hash of the request: the bytes are these (B7)', () => {
    const csrDer = utf8('csr');
    const message = recoveryProofMessage({ trustDomain: TRUST_DOMAIN, csrDer, madeAt: '2026-11-20T08:00:00.000Z' });
    const label = Buffer.from('peerkeep/1/recovery-proof\nbackup.example\n2026-11-20T08:00:00.000Z\n');
    const hash = createHash('sha256').update(csrDer).digest();
    expect(encodeHex(message)).toBe(Buffer.concat([label, hash]).toString('hex'));
  });
});
