// The host's checks of a token, one by one: who may do what, with which code each refusal comes (B12, B15, B16).
import { describe, expect, it } from 'vitest';
import {
  CID,
  CLIENT_ID,
  codeOf,
  exampleBytes,
  exampleClaims,
  exampleExpectation,
  exampleKey,
  HOST_ID,
  NOW_MS,
  OTHER_CID,
  OTHER_ID,
  TRUST_DOMAIN,
} from '../../testing/examples.js';
import { encodeBase64url, utf8 } from '../bytes.js';
import { nobleSuite } from '../crypto/noble-suite.js';
import { nodeSuite } from '../crypto/node-suite.js';
import { isRefusal } from '../errors.js';
import { CLOCK_SKEW_MS_MAX, TOKEN_TEXT_BYTES_MAX } from '../limits.js';
import { sealV3Local } from '../paseto/v3-local.js';
import type { TokenClaims } from './claims.js';
import { encodeClaims } from './claims.js';
import { encodeFooter, implicitAssertion, sealToken } from './seal-token.js';
import { type TokenExpectation, verifyToken } from './verify-token.js';

const NONCE = exampleBytes('nonce');
const MINUTE_MS = 60_000;

describe.each([nodeSuite, nobleSuite])('verifyToken on suite $name', (suite) => {
  const key = exampleKey(suite);
  const token = sealToken(key, exampleClaims(), NONCE);

  const verdict = (text: string, expectation: Partial<TokenExpectation> = {}) =>
    codeOf(() => verifyToken(text, exampleExpectation(key, expectation)));
  const verdictOfClaims = (claims: Partial<TokenClaims>, expectation: Partial<TokenExpectation> = {}) =>
    verdict(sealToken(key, exampleClaims(claims), NONCE), expectation);
  /** Sealed rightly by the broker's key, whatever it says. */
  const sealText = (payload: string, footer = encodeFooter(key.kid)) =>
    sealV3Local(key.token, utf8(payload), { footer, implicit: implicitAssertion(TRUST_DOMAIN, HOST_ID), nonce: NONCE });
  const verdictOfPayload = (change: (payload: Record<string, unknown>) => unknown) => {
    const payload = JSON.parse(encodeClaims(exampleClaims())) as Record<string, unknown>;
    return verdict(sealText(JSON.stringify(change(payload))));
  };

  it('accepts the token of this client for this shard on this host, and returns its claims (B12)', () => {
    expect(verifyToken(token, exampleExpectation(key))).toEqual({ ...exampleClaims(), doing: 'put' });
  });

  it('accepts a get token for a get (B13)', () => {
    expect(verdictOfClaims({ op: 'get' }, { op: 'get' })).toBe('accepted');
  });

  it('says only token_invalid until the MAC holds, whatever else is wrong (B15)', () => {
    const [, , payload, footer] = token.split('.') as [string, string, string, string];
    const otherKey = exampleKey(suite, 'other transaction key');
    const texts: [string, string][] = [
      ['empty', ''],
      ['not a token', 'hello'],
      ['another version', `v4.local.${payload}.${footer}`],
      ['another purpose', `v3.public.${payload}.${footer}`],
      ['a JWT', `${encodeBase64url(utf8('{"alg":"none"}'))}.${payload}.`],
      ['no footer', `v3.local.${payload}`],
      ['an empty footer', `v3.local.${payload}.`],
      ['a part too many', `${token}.${footer}`],
      ['cut by one character', token.slice(0, -1)],
      ['cut to the header', 'v3.local.'],
      ['padding', `${token}=`],
      ['white space', `${token} `],
      ['the other base64 alphabet', token.replaceAll('-', '+').replaceAll('_', '/')],
      ['a kid that the host does not have', sealToken(otherKey, exampleClaims(), NONCE)],
      ['a longer token than any', `v3.local.${'A'.repeat(TOKEN_TEXT_BYTES_MAX)}.${footer}`],
    ];
    // Not all of these change the text of every example: those that do not would be the token itself.
    for (const [name, text] of texts.filter(([, text]) => text !== token)) {
      expect(verdict(text), name).toBe('token_invalid');
    }
    expect(verdict(sealToken(otherKey, exampleClaims(), NONCE), { keyOf: () => key })).toBe('token_invalid');
  });

  it('refuses 4,097 bytes before it looks at them, however well they are sealed (B15)', () => {
    const sealedOf = (textBytes: number) => {
      const overhead = sealText('').length;
      let payload = 'x'.repeat(Math.floor(((textBytes - overhead) * 3) / 4));
      while (sealText(payload).length < textBytes) payload += 'x';
      return sealText(payload);
    };
    const lookedUp: string[] = [];
    const keyOf = (kid: string) => {
      lookedUp.push(kid);
      return key;
    };
    expect(sealedOf(TOKEN_TEXT_BYTES_MAX).length).toBe(4096);
    expect(verdict(sealedOf(TOKEN_TEXT_BYTES_MAX), { keyOf })).toBe('token_claims_invalid');
    expect(lookedUp).toHaveLength(1);
    expect(sealedOf(TOKEN_TEXT_BYTES_MAX + 1).length).toBe(4097);
    expect(verdict(sealedOf(TOKEN_TEXT_BYTES_MAX + 1), { keyOf })).toBe('token_invalid');
    expect(lookedUp).toHaveLength(1);
  });

  it('refuses every footer but the one form, even with a MAC that holds (B15)', () => {
    const payload = encodeClaims(exampleClaims());
    for (const footer of [
      `{"kid": "${key.kid}"}`,
      `{"kid":"${key.kid}","x":1}`,
      `{"kid":"${key.kid.toUpperCase()}"}`,
      `{"kid":"${key.kid.slice(1)}"}`,
      `{"kid":"${key.kid}"}\n`,
      key.kid,
      '{}',
    ].filter((text) => text !== `{"kid":"${key.kid}"}`)) {
      expect(verdict(sealText(payload, utf8(footer)), { keyOf: () => key }), footer).toBe('token_invalid');
    }
  });

  it('refuses each other text of the same bytes: stray bits, padding, other alphabets (trap 7)', () => {
    const [, , payload, footer] = token.split('.') as [string, string, string, string];
    let variants = 0;
    for (const part of [payload, footer]) {
      for (const last of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
        const text = part.slice(0, -1) + last;
        if (text === part || !Buffer.from(text, 'base64url').equals(Buffer.from(part, 'base64url'))) continue;
        variants++;
        expect(verdict(token.replace(part, text))).toBe('token_invalid');
      }
      for (const lax of [`${part}=`, `${part}==`, `${part} `, `${part}!`, `${part}\0`, `\n${part}`]) {
        expect(Buffer.from(lax, 'base64url').equals(Buffer.from(part, 'base64url'))).toBe(true);
        expect(verdict(token.replace(part, lax))).toBe('token_invalid');
      }
    }
    expect(variants).toBeGreaterThan(0);
  });

  it('binds the token to its domain and host twice: by the MAC, and by the claims (B16)', () => {
    expect(verdictOfClaims({ trustDomain: 'other.example' })).toBe('token_invalid');
    expect(verdictOfClaims({ hostId: OTHER_ID })).toBe('token_invalid');
    expect(verdict(token, { trustDomain: 'other.example' })).toBe('token_invalid');
    expect(verdict(token, { hostId: OTHER_ID })).toBe('token_invalid');
    expect(verdict(sealText(encodeClaims(exampleClaims({ trustDomain: 'other.example' }))))).toBe('token_wrong_domain');
    expect(verdict(sealText(encodeClaims(exampleClaims({ hostId: OTHER_ID }))))).toBe('token_wrong_host');
  });

  it.each<[string, Partial<TokenClaims>, Partial<TokenExpectation>, string]>([
    ['a stolen token: another client', {}, { clientId: OTHER_ID }, 'token_wrong_client'],
    ['the host as its own client', {}, { clientId: HOST_ID }, 'token_wrong_client'],
    ['a get with a put token', {}, { op: 'get' }, 'token_wrong_op'],
    ['a put with a get token', { op: 'get' }, {}, 'token_wrong_op'],
    ['another shard', {}, { cid: OTHER_CID }, 'token_wrong_content'],
  ])('refuses %s (B16)', (_, claims, expectation, code) => {
    expect(verdictOfClaims(claims, expectation)).toBe(code);
  });

  it('knows its first and last millisecond, with the clock skew that is forgiven (B16)', () => {
    const expiresAtMs = exampleClaims().expiresAtMs;
    const firstMs = NOW_MS - CLOCK_SKEW_MS_MAX;
    const endMs = expiresAtMs + CLOCK_SKEW_MS_MAX;
    expect(verdict(token, { nowMs: firstMs - 1 })).toBe('token_not_yet_valid');
    expect(verdict(token, { nowMs: firstMs })).toBe('accepted');
    expect(verdict(token, { nowMs: endMs - 1 })).toBe('accepted');
    expect(verdict(token, { nowMs: endMs })).toBe('token_expired');
  });

  it('checks client before time, time before operation, operation before shard (SPEC §4.4)', () => {
    const allWrong = { clientId: OTHER_ID, nowMs: NOW_MS + 60 * MINUTE_MS, op: 'get', cid: OTHER_CID } as const;
    expect(verdict(token, allWrong)).toBe('token_wrong_client');
    expect(verdict(token, { ...allWrong, clientId: CLIENT_ID })).toBe('token_expired');
    expect(verdict(token, { ...allWrong, clientId: CLIENT_ID, nowMs: NOW_MS })).toBe('token_wrong_op');
    expect(verdict(token, { cid: OTHER_CID })).toBe('token_wrong_content');
  });

  it('names the transaction in a refusal after the MAC, and nothing in one before', () => {
    const factsOf = (text: string, expectation: Partial<TokenExpectation>) => {
      try {
        verifyToken(text, exampleExpectation(key, expectation));
      } catch (error) {
        if (isRefusal(error)) return error.facts;
      }
      return 'accepted';
    };
    expect(factsOf(token, { clientId: OTHER_ID })).toEqual({ transactionId: exampleClaims().transactionId });
    expect(factsOf(token.slice(0, -1), {})).toEqual({});
  });

  it.each<[string, (payload: Record<string, unknown>) => unknown]>([
    ['an extra member', (payload) => ({ ...payload, admin: true })],
    ['an extra member of an item', (payload) => ({ ...payload, items: [{ cid: CID, size: 1, x: 1 }] })],
    ['a missing jti', ({ jti: _, ...rest }) => rest],
    ['a missing exp', ({ exp: _, ...rest }) => rest],
    ['an exp that is a number', (payload) => ({ ...payload, exp: 1_795_000_000 })],
    ['an exp without milliseconds', (payload) => ({ ...payload, exp: '2026-11-20T08:15:00Z' })],
    ['an exp in another zone', (payload) => ({ ...payload, exp: '2026-11-20T08:15:00.000+00:00' })],
    ['an exp on 31 November', (payload) => ({ ...payload, exp: '2026-11-31T08:15:00.000Z' })],
    ['a jti that is a UUIDv4', (payload) => ({ ...payload, jti: '0193f3a0-0000-4000-8000-00000000000d' })],
    ['a jti in upper case', (payload) => ({ ...payload, jti: '0193F3A0-0000-7000-8000-00000000000D' })],
    ['an unknown op', (payload) => ({ ...payload, op: 'erase' })],
    ['an op by inheritance', (payload) => ({ ...payload, op: 'toString' })],
    ['no items', (payload) => ({ ...payload, items: [] })],
    ['two items', (payload) => ({ ...payload, items: [payload.items, payload.items].flat() })],
    ['items that are no list', (payload) => ({ ...payload, items: { cid: CID, size: 1 } })],
    ['a size of 0', (payload) => ({ ...payload, items: [{ cid: CID, size: 0 }] })],
    ['a size of a half', (payload) => ({ ...payload, items: [{ cid: CID, size: 0.5 }] })],
    ['a size in text', (payload) => ({ ...payload, items: [{ cid: CID, size: '1000' }] })],
    ['a size past the bound', (payload) => ({ ...payload, items: [{ cid: CID, size: 64 * 1024 * 1024 + 1 }] })],
    ['a cid with padding', (payload) => ({ ...payload, items: [{ cid: `${CID}=`, size: 1 }] })],
    [
      'a cid of 31 bytes',
      (payload) => ({ ...payload, items: [{ cid: encodeBase64url(new Uint8Array(31)), size: 1 }] }),
    ],
    ['an empty iss', (payload) => ({ ...payload, iss: '' })],
    ['an aud that is a list', (payload) => ({ ...payload, aud: [HOST_ID] })],
    ['a list', (payload) => [payload]],
    ['null', () => null],
    ['a life of 15 minutes and 1 ms', (payload) => ({ ...payload, exp: '2026-11-20T08:15:00.001Z' })],
    ['an end before the start', (payload) => ({ ...payload, exp: '2026-11-20T07:59:59.999Z' })],
    ['an end at the start', (payload) => ({ ...payload, exp: payload.nbf })],
    ['a start before the issue', (payload) => ({ ...payload, nbf: '2026-11-20T07:59:59.999Z' })],
  ])('refuses authentic claims with %s (B15)', (_, change) => {
    expect(verdictOfPayload(change)).toBe('token_claims_invalid');
    expect(verdictOfPayload((payload) => payload)).toBe('accepted');
  });

  it('refuses a __proto__ member and text that is not JSON, though the MAC holds (B15)', () => {
    const json = encodeClaims(exampleClaims());
    expect(verdict(sealText(`{"__proto__":{"admin":true},${json.slice(1)}`))).toBe('token_claims_invalid');
    for (const text of ['', '{', `${json},`, `\u{feff}${json}`, 'undefined']) {
      expect(verdict(sealText(text)), text.slice(0, 12)).toBe('token_claims_invalid');
    }
  });
});

describe('sealToken', () => {
  const key = exampleKey(nodeSuite);

  it('asserts that its caller gives no token a longer life than its op may have', () => {
    expect(() => sealToken(key, exampleClaims({ expiresAtMs: NOW_MS + 15 * MINUTE_MS + 1 }), NONCE)).toThrow();
    expect(() => sealToken(key, exampleClaims({ expiresAtMs: NOW_MS }), NONCE)).toThrow();
    expect(() => sealToken(key, exampleClaims({ expiresAtMs: Number.NaN }), NONCE)).toThrow();
  });

  it('fits the longest trust domain into the bound of a token text', () => {
    const trustDomain = 'd'.repeat(253);
    const token = sealToken(key, exampleClaims({ trustDomain }), NONCE);
    expect(codeOf(() => verifyToken(token, exampleExpectation(key, { trustDomain })))).toBe('accepted');
  });

  it('writes the same token on both suites', () => {
    expect(sealToken(exampleKey(nobleSuite), exampleClaims(), NONCE)).toBe(sealToken(key, exampleClaims(), NONCE));
  });
});
