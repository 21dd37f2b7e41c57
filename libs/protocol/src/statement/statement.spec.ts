// What the broker signs for others to see: round trips, each refusal, and nothing of one kind passes for another (SPEC §13.1).
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { decodeBase64url, encodeBase64url, utf8 } from '../bytes.js';
import { es256Signer } from '../crypto/es256.js';
import { ProtocolError } from '../errors.js';
import { type LeaseId, type PeerId, uuidV7 } from '../ids.js';
import { formatAlias, parseAlias } from '../messages/fields.js';
import { type ApprovalClaims, checkApproval, decodeApproval, encodeApproval } from './approval.js';
import { type SigningKey, STATEMENT_KINDS, type StatementKind, signingKid } from './broker-statement.js';
import { checkLease, decodeLease, encodeLease, type LeaseClaims } from './lease.js';

const NOW_MS = Date.UTC(2026, 10, 22, 8);
const MINUTE_MS = 60_000;
const idOf = <T extends string>(n: number): T => uuidV7<T>(NOW_MS, new Uint8Array(10).fill(n));
const PEER = idOf<PeerId>(1);
const RELAY = idOf<PeerId>(2);
const OTHER = idOf<PeerId>(3);

interface MadeKey {
  readonly known: SigningKey;
  readonly privateKey: KeyObject;
  readonly signer: { kid: string; sign: ReturnType<typeof es256Signer> };
}

function makeKey(use: StatementKind): MadeKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  const kid = signingKid(spki);
  return {
    known: { kid, use, publicKey: encodeBase64url(spki) },
    privateKey,
    signer: { kid, sign: es256Signer(privateKey) },
  };
}

const keyOf = Object.fromEntries(STATEMENT_KINDS.map((kind) => [kind, makeKey(kind)])) as Record<
  StatementKind,
  MadeKey
>;
const KEYS = STATEMENT_KINDS.map((kind) => keyOf[kind].known);

const serve: LeaseClaims = {
  trustDomain: 'peerkeep',
  leaseId: idOf<LeaseId>(9),
  kind: 'serve',
  relayId: RELAY,
  subject: PEER,
  peerId: PEER,
  name: 'attic',
  web: true,
  bytesMax: 2 ** 40,
  bytesPerSecondMax: 10_000_000,
  issuedAtMs: NOW_MS,
  expiresAtMs: NOW_MS + 60 * MINUTE_MS,
};
const reach: LeaseClaims = { ...serve, kind: 'reach', subject: OTHER, name: null, web: false };
const approval: ApprovalClaims = {
  trustDomain: 'peerkeep',
  hostId: PEER,
  alias: '192.168.1.7:6515',
  taskId: encodeBase64url(new Uint8Array(16).fill(7)),
  issuedAtMs: NOW_MS,
  expiresAtMs: NOW_MS + 10 * MINUTE_MS,
};

/** The code of the refusal, or null. */
function codeOf(run: () => unknown): string | null {
  try {
    run();
    return null;
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
}

describe('a key', () => {
  it('is parsed once, however many statements are checked under it', () => {
    let parsed = 0;
    const { known, signer } = makeKey('lease');
    const { publicKey } = known;
    Object.defineProperty(known, 'publicKey', { get: () => [publicKey, parsed++][0] });
    for (const claims of [serve, reach]) expect(decodeLease(encodeLease(claims, signer), [known])).toEqual(claims);
    expect(parsed).toBe(1);
  });
});

describe('a lease', () => {
  it.each([
    ['to serve', serve],
    ['to reach', reach],
    ['of the broker itself', { ...reach, subject: 'broker' as const }],
  ])('%s says what was signed', (_name, claims) => {
    expect(decodeLease(encodeLease(claims, keyOf.lease.signer), KEYS)).toEqual(claims);
  });

  const expected = { trustDomain: 'peerkeep', kind: 'serve', relayId: RELAY, subject: PEER, peerId: PEER } as const;

  it.each<[string, Partial<Parameters<typeof checkLease>[1]>, string | null]>([
    ['as expected', {}, null],
    ['of another domain', { trustDomain: 'elsewhere' }, 'lease_invalid'],
    ['of the other kind', { kind: 'reach' }, 'lease_invalid'],
    ['for another relay', { relayId: OTHER }, 'lease_wrong_relay'],
    ['of another peer', { subject: OTHER }, 'lease_wrong_peer'],
    ['to another peer', { peerId: OTHER }, 'lease_wrong_peer'],
    ['at its end, and the clocks apart', { nowMs: serve.expiresAtMs + 5 * MINUTE_MS - 1 }, null],
    ['after its end', { nowMs: serve.expiresAtMs + 5 * MINUTE_MS }, 'lease_expired'],
    ['before its time', { nowMs: NOW_MS - 5 * MINUTE_MS - 1 }, 'lease_expired'],
  ])('%s', (_name, change, code) => {
    expect(codeOf(() => checkLease(serve, { ...expected, nowMs: NOW_MS, ...change }))).toBe(code);
  });

  it.each<[string, object]>([
    ['that serves for somebody else', { ...serve, subject: OTHER }],
    ['to reach oneself', { ...reach, subject: PEER }],
    ['to reach, with a name', { ...reach, name: 'attic' }],
    ['to reach, for visitors', { ...reach, web: true }],
    ['without an end', { ...serve, expiresAtMs: NOW_MS }],
    ['of more than a day', { ...serve, expiresAtMs: NOW_MS + 24 * 60 * MINUTE_MS + 1 }],
  ])('%s is never signed', (_name, claims) => {
    expect(() => encodeLease(claims as LeaseClaims, keyOf.lease.signer)).toThrow(/assert|false == true/i);
  });
});

describe('an approval', () => {
  it('says what was signed', () => {
    expect(decodeApproval(encodeApproval(approval, keyOf.approval.signer), KEYS)).toEqual(approval);
  });

  const { trustDomain, hostId, alias, taskId } = approval;
  const expected = { trustDomain, hostId, alias, taskId };

  it.each<[string, Partial<Parameters<typeof checkApproval>[1]>, string | null]>([
    ['as expected', {}, null],
    ['of another domain', { trustDomain: 'elsewhere' }, 'approval_invalid'],
    ['of another neighbour', { hostId: OTHER }, 'approval_wrong_peer'],
    ['at another port', { alias: '192.168.1.7:6516' }, 'approval_wrong_alias'],
    ['for another task', { taskId: encodeBase64url(new Uint8Array(16)) }, 'approval_wrong_task'],
    ['a moment before its end', { nowMs: approval.expiresAtMs - 1 }, null],
    ['ten minutes old', { nowMs: approval.expiresAtMs }, 'approval_expired'],
    ['before its time', { nowMs: NOW_MS - 5 * MINUTE_MS - 1 }, 'approval_expired'],
  ])('%s', (_name, change, code) => {
    expect(codeOf(() => checkApproval(approval, { ...expected, nowMs: NOW_MS, ...change }))).toBe(code);
  });

  it('of more than ten minutes is never signed', () => {
    const long = { ...approval, expiresAtMs: NOW_MS + 10 * MINUTE_MS + 1 };
    expect(() => encodeApproval(long, keyOf.approval.signer)).toThrow(/assert|false == true/i);
  });
});

describe('a statement', () => {
  const lease = encodeLease(serve, keyOf.lease.signer);

  it('is a JWS that other libraries write, to the byte of what is signed', async () => {
    const [header, payload] = lease.split('.');
    const claims = JSON.parse(Buffer.from(decodeBase64url(payload!)!).toString()) as Record<string, unknown>;
    const protectedHeader = { alg: 'ES256', kid: keyOf.lease.known.kid, typ: 'peerkeep-lease+jwt' };
    const theirs = await new SignJWT(claims).setProtectedHeader(protectedHeader).sign(keyOf.lease.privateKey);
    expect(theirs.split('.').slice(0, 2)).toEqual([header, payload]);
    expect(decodeLease(theirs, KEYS)).toEqual(serve);
  });

  it('of one kind passes for no other, whatever its key is said to be for', () => {
    for (const made of STATEMENT_KINDS) {
      // Signed as a lease by the key of `made`, which is known for its own use alone.
      const text = encodeLease(serve, keyOf[made].signer);
      expect(
        codeOf(() => decodeLease(text, KEYS)),
        made,
      ).toBe(made === 'lease' ? null : 'lease_invalid');
      expect(
        codeOf(() => decodeApproval(text, KEYS)),
        made,
      ).toBe('approval_invalid');
    }
    const sameKey = [...KEYS, { ...keyOf.lease.known, use: 'approval' as const }];
    expect(codeOf(() => decodeApproval(lease, sameKey))).toBe('approval_invalid');
  });

  it('is refused when any one character of it is another, or some are missing', () => {
    for (let i = 0; i < lease.length; i++) {
      const other = lease[i] === 'A' ? 'B' : 'A';
      expect(
        codeOf(() => decodeLease(lease.slice(0, i) + other + lease.slice(i + 1), KEYS)),
        `${i}`,
      ).toBe('lease_invalid');
      expect(codeOf(() => decodeLease(lease.slice(0, i), KEYS))).toBe('lease_invalid');
    }
  });

  const signed = (payload: string): string => {
    const text = `${lease.split('.')[0]}.${encodeBase64url(utf8(payload))}`;
    return `${text}.${encodeBase64url(keyOf.lease.signer.sign(utf8(text)))}`;
  };
  const payload = Buffer.from(decodeBase64url(lease.split('.')[1]!)!).toString();

  it.each([
    ['with a member more', payload.replace('{', '{"x":1,')],
    ['with a member twice', payload.replace('{', '{"iss":"elsewhere",')],
    ['with white space', payload.replace('{', '{ ')],
    ['in another order', JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(payload)).reverse()))],
    ['that is no JSON', payload.slice(1)],
    ['that is a list', '[]'],
  ])('%s is refused though it is signed', (_name, text) => {
    expect(codeOf(() => decodeLease(signed(payload), KEYS))).toBeNull();
    expect(codeOf(() => decodeLease(signed(text), KEYS))).toBe('lease_invalid');
  });

  it('under a key whose kid is another key’s is refused', () => {
    const stranger = makeKey('lease');
    const posing = { ...stranger.known, kid: keyOf.lease.known.kid };
    const text = encodeLease(serve, { kid: keyOf.lease.known.kid, sign: stranger.signer.sign });
    expect(codeOf(() => decodeLease(text, [posing]))).toBe('lease_invalid');
    expect(codeOf(() => decodeLease(text, KEYS))).toBe('lease_invalid');
    expect(codeOf(() => decodeLease(encodeLease(serve, stranger.signer), [stranger.known]))).toBeNull();
  });

  it('is signed by P-256 alone', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'secp384r1' });
    expect(() => es256Signer(createPrivateKey(privateKey.export({ format: 'pem', type: 'pkcs8' })))).toThrow();
  });
});

describe('an alias', () => {
  it.each(['192.168.1.7:6515', '[fe80::1]:6515', '10.0.0.1:1', '10.0.0.1:65535'])('%s has one text', (text) => {
    expect(formatAlias(parseAlias(text)!)).toBe(text);
  });

  it.each([
    '192.168.1.7',
    '192.168.1.7:0',
    '192.168.1.7:65536',
    '192.168.1.7:06515',
    'fe80::1:6515',
    '[fe80::1]',
    'attic:6515',
    '[192.168.1.7]:1',
    '1.2.3.4.5:6',
    '',
  ])('%s is none', (text) => {
    expect(parseAlias(text)).toBeNull();
  });
});
