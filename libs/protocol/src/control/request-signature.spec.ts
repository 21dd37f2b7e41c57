// Signed requests (B8, B9): what another RFC 9421 library makes of ours, and what becomes of altered, stale, foreign ones.
import { createVerifier, httpbis } from 'http-message-signatures';
import { describe, expect, it } from 'vitest';
import { CLIENT_ID, codeOf, exampleBytes, exampleKey, NOW_MS, OTHER_ID } from '../../testing/examples.js';
import { utf8 } from '../bytes.js';
import { childKey } from '../crypto/hkdf.js';
import { nobleSuite } from '../crypto/noble-suite.js';
import { nodeSuite } from '../crypto/node-suite.js';
import { CLOCK_SKEW_MS_MAX } from '../limits.js';
import { contentDigest, matchesContentDigest } from './content-digest.js';
import { readRequestSignature, signRequest, verifyRequest } from './request-signature.js';

const TARGET_URI = 'https://broker.example:8443/v1/puts?dry=1';
const BODY = utf8('{"objects":[]}');
const NONCE = exampleBytes('nonce').subarray(0, 16);
const NONCE_TEXT = Buffer.from(NONCE).toString('base64url');

describe.each([nodeSuite, nobleSuite])('a signed request on suite $name', (suite) => {
  const key = exampleKey(suite);
  const signingKey = Buffer.from(childKey(suite, exampleBytes('transaction key'), 'peerkeep/1/control/to-broker'));
  const signed = signRequest({
    method: 'POST',
    targetUri: TARGET_URI,
    body: BODY,
    peerId: CLIENT_ID,
    key,
    createdMs: NOW_MS,
    nonce: NONCE,
  });

  interface Received {
    headers?: Record<string, string | string[] | undefined>;
    method?: string;
    targetUri?: string;
    body?: Uint8Array;
    key?: typeof key;
    nowMs?: number;
  }
  const verdict = ({ headers = signed.headers, ...received }: Received = {}) =>
    codeOf(() =>
      verifyRequest(readRequestSignature(headers), {
        method: 'POST',
        targetUri: TARGET_URI,
        body: BODY,
        key,
        nowMs: NOW_MS,
        ...received,
      }),
    );
  const withHeader = (name: string, change: (value: string) => string | string[] | undefined): Received => ({
    headers: { ...signed.headers, [name]: change((signed.headers as Record<string, string>)[name]!) },
  });

  it('is accepted, and says who signed it, when, and with which nonce', () => {
    const claimed = readRequestSignature(signed.headers);
    expect(claimed).toMatchObject({ peerId: CLIENT_ID, kid: key.kid, createdMs: NOW_MS, nonce: NONCE_TEXT });
    expect(verdict()).toBe('accepted');
  });

  it('is verified by the npm package http-message-signatures', async () => {
    const verified = await httpbis.verifyMessage(
      {
        keyLookup: async ({ keyid }) =>
          keyid === `${CLIENT_ID}.${key.kid}`
            ? { id: keyid, algs: ['hmac-sha256'], verify: createVerifier(signingKey, 'hmac-sha256') }
            : null,
        notAfter: new Date(NOW_MS + 1000),
        requiredFields: ['@method', '@target-uri', 'content-digest'],
        requiredParams: ['created', 'nonce', 'keyid', 'alg', 'tag'],
        all: true,
      },
      { method: 'POST', url: TARGET_URI, headers: { ...signed.headers } },
    );
    expect(verified).toBe(true);
  });

  it('made by http-message-signatures with our profile is the same, and verified by us', async () => {
    const message = await httpbis.signMessage(
      {
        key: {
          id: `${CLIENT_ID}.${key.kid}`,
          alg: 'hmac-sha256',
          sign: async (data) => Buffer.from(key.toBroker(data)),
        },
        name: 'peerkeep',
        fields: ['@method', '@target-uri', 'content-digest'],
        params: ['created', 'nonce', 'keyid', 'alg', 'tag'],
        paramValues: { created: new Date(NOW_MS), nonce: NONCE_TEXT, tag: 'peerkeep' },
      },
      { method: 'POST', url: TARGET_URI, headers: { 'content-digest': contentDigest(suite, BODY) } },
    );
    const headers = Object.fromEntries(
      Object.entries(message.headers).map(([name, value]) => [name.toLowerCase(), value]),
    );
    expect(headers).toEqual(signed.headers);
    expect(verdict({ headers })).toBe('accepted');
  });

  it.each<[string, Received, string]>([
    ['another method', { method: 'PUT' }, 'signature_invalid'],
    ['another path', { targetUri: TARGET_URI.replace('puts', 'gets') }, 'signature_invalid'],
    ['another query', { targetUri: TARGET_URI.replace('dry=1', 'dry=0') }, 'signature_invalid'],
    [
      'another host: a message for a foreign broker',
      { targetUri: TARGET_URI.replace('broker', 'brother') },
      'signature_invalid',
    ],
    ['another body', { body: utf8('{"objects":[1]}') }, 'digest_mismatch'],
    ['no body', { body: new Uint8Array(0) }, 'digest_mismatch'],
    ['the key of somebody else', { key: exampleKey(suite, 'other') }, 'signature_invalid'],
    ['5 minutes ago and 1 ms', { nowMs: NOW_MS + CLOCK_SKEW_MS_MAX + 1 }, 'message_stale'],
    ['5 minutes ahead and 1 ms', { nowMs: NOW_MS - CLOCK_SKEW_MS_MAX - 1 }, 'message_stale'],
    ['5 minutes ago', { nowMs: NOW_MS + CLOCK_SKEW_MS_MAX }, 'accepted'],
    ['5 minutes ahead', { nowMs: NOW_MS - CLOCK_SKEW_MS_MAX }, 'accepted'],
  ])('with %s: %s (B9)', (_, received, code) => {
    expect(verdict(received)).toBe(code);
  });

  it('with both an altered body and its own digest is no better: the digest is signed (B9)', () => {
    const body = utf8('{"objects":[1]}');
    const headers = { ...signed.headers, 'content-digest': contentDigest(suite, body) };
    expect(verdict({ body, headers })).toBe('signature_invalid');
  });

  it.each<[string, Received, string]>([
    ['signature-input', withHeader('signature-input', () => undefined), 'signature_missing'],
    ['signature', withHeader('signature', () => undefined), 'signature_missing'],
    ['content-digest', withHeader('content-digest', () => undefined), 'signature_missing'],
    ['single signature', withHeader('signature', (value) => [value, value]), 'signature_missing'],
    ['headers', { headers: {} }, 'signature_missing'],
  ])('without %s is refused (B8)', (_, received, code) => {
    expect(verdict(received)).toBe(code);
  });

  it.each<[string, (input: string) => string]>([
    ['time', (input) => input.replace(/created=\d+/, `created=${NOW_MS / 1000 + 60}`)],
    ['nonce', (input) => input.replace(NONCE_TEXT, 'A'.repeat(22))],
    ['peer', (input) => input.replace(CLIENT_ID, OTHER_ID)],
  ])('whose Signature-Input has another %s is refused: all of it is signed (B9)', (_, change) => {
    const received = withHeader('signature-input', change);
    expect(codeOf(() => readRequestSignature(received.headers!))).toBe('accepted');
    expect(verdict(received)).toBe('signature_invalid');
  });

  it.each<[string, (input: string) => string]>([
    ['another algorithm', (input) => input.replace('hmac-sha256', 'none')],
    ['another tag', (input) => input.replace('tag="peerkeep"', 'tag="other"')],
    ['another label', (input) => input.replace('peerkeep=', 'sig1=')],
    ['a component less', (input) => input.replace(' "content-digest"', '')],
    ['a component more', (input) => input.replace('"@method"', '"@method" "date"')],
    ['components in another order', (input) => input.replace('"@method" "@target-uri"', '"@target-uri" "@method"')],
    ['a parameter more', (input) => `${input};expires=1`],
    ['a second signature', (input) => `${input}, sig1=("@method");created=1`],
    ['white space', (input) => `${input} `],
    ['a peer id that is no UUIDv7', (input) => input.replace('-7000-', '-4000-')],
  ])('whose Signature-Input has %s is refused before any key is looked up: there is one form (B9)', (_, change) => {
    const { headers } = withHeader('signature-input', change);
    expect(codeOf(() => readRequestSignature(headers!))).toBe('signature_invalid');
  });

  it('whose signature differs in any character is refused', () => {
    const text = signed.headers.signature!;
    for (let i = 0; i < text.length; i++) {
      const changed = text.slice(0, i) + (text[i] === 'A' ? 'B' : 'A') + text.slice(i + 1);
      expect(verdict({ headers: { ...signed.headers, signature: changed } }), `character ${i}`).toBe(
        'signature_invalid',
      );
    }
  });

  it('keeps its nonce when it is replayed: the receiver must remember it (B9)', () => {
    expect(readRequestSignature(signed.headers).nonce).toBe(readRequestSignature({ ...signed.headers }).nonce);
    expect(() =>
      signRequest({
        method: 'GET',
        targetUri: TARGET_URI,
        body: BODY,
        peerId: CLIENT_ID,
        key,
        createdMs: NOW_MS,
        nonce: NONCE.subarray(1),
      }),
    ).toThrow();
  });
});

describe('RFC 9421 B.2.5, signing a request with hmac-sha256', () => {
  const secret = Buffer.from(
    'uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==',
    'base64',
  );
  const signature = 'pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=';
  const parameters = '("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"';
  const request = {
    method: 'POST',
    url: 'https://example.com/foo?param=Value&Pet=dog',
    headers: { Date: 'Tue, 20 Apr 2021 02:07:55 GMT', 'Content-Type': 'application/json' },
  };

  it.each([nodeSuite, nobleSuite])('is the MAC of its signature base by suite $name', (suite) => {
    const base =
      '"date": Tue, 20 Apr 2021 02:07:55 GMT\n"@authority": example.com\n"content-type": application/json\n' +
      `"@signature-params": ${parameters}`;
    expect(Buffer.from(suite.hmacSha256(secret)(utf8(base))).toString('base64')).toBe(signature);
  });

  it('is what http-message-signatures says too, with our MAC in it: the oracle reads the RFC as we do', async () => {
    const message = await httpbis.signMessage(
      {
        key: { id: 'test-shared-secret', sign: async (data) => Buffer.from(nodeSuite.hmacSha256(secret)(data)) },
        name: 'sig-b25',
        fields: ['date', '@authority', 'content-type'],
        params: ['created', 'keyid'],
        paramValues: { created: new Date(1_618_884_473_000) },
      },
      request,
    );
    expect(message.headers).toMatchObject({
      Signature: `sig-b25=:${signature}:`,
      'Signature-Input': `sig-b25=${parameters}`,
    });
  });
});

describe('RFC 9530 appendix B, a digest with sha-256', () => {
  it.each([nodeSuite, nobleSuite])('is the one of its content by suite $name', (suite) => {
    const digest = 'sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:';
    expect(contentDigest(suite, utf8('{"hello": "world"}\n'))).toBe(digest);
    expect(matchesContentDigest(suite, digest, utf8('{"hello": "world"}\n'))).toBe(true);
    expect(matchesContentDigest(suite, digest, utf8('{"hello": "world"}'))).toBe(false);
    expect(matchesContentDigest(suite, `sha-512=:AA==:, ${digest}`, utf8('{"hello": "world"}\n'))).toBe(false);
  });
});
