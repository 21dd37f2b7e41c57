// Nobody without the host's key makes a token: 100,000 changed tokens, and every other signed thing shown as a token.
import { randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  CLIENT_ID,
  codeOf,
  exampleBytes,
  exampleClaims,
  exampleExpectation,
  exampleKey,
  HOST_ID,
  NOW_MS,
  p256KeyPair,
} from '../../testing/examples.js';
import { mutate, randomFrom } from '../../testing/mutate.js';
import { concatBytes, encodeBase64url, utf8 } from '../bytes.js';
import { signAnswer, verifyAnswer } from '../control/answer-signature.js';
import { readRequestSignature, signRequest, verifyRequest } from '../control/request-signature.js';
import { es256Signer, es256Verifier } from '../crypto/es256.js';
import { nodeSuite } from '../crypto/node-suite.js';
import { splitV3Local } from '../paseto/v3-local.js';
import { decodeReceipt, encodeReceipt } from '../receipt/receipt.js';
import { decodeClaims } from './claims.js';
import { sealToken } from './seal-token.js';
import { verifyToken } from './verify-token.js';

const MUTATIONS = 100_000;
const key = exampleKey(nodeSuite);
const otherKey = exampleKey(nodeSuite, 'other transaction key');
const expectation = exampleExpectation(key, {
  keyOf: (kid) => [key, otherKey].find((candidate) => candidate.kid === kid),
});

// Tokens that the host would take, one under the key before: the best material that a forger can have.
const tokens = [
  sealToken(key, exampleClaims(), exampleBytes('nonce 1')),
  sealToken(
    key,
    exampleClaims({ items: [{ cid: exampleClaims().items[0].cid, sizeBytes: 9 }] }),
    exampleBytes('nonce 2'),
  ),
  sealToken(key, exampleClaims({ expiresAtMs: NOW_MS + 1000 }), exampleBytes('nonce 1')),
  sealToken(otherKey, exampleClaims(), exampleBytes('nonce 4')),
];

/** How many of so many changed tokens `accepts` takes. Only changes that give a whole valid token back are left out. */
function countAccepted(seed: number, times: number, accepts: (text: string) => boolean): number {
  const random = randomFrom(seed);
  let accepted = 0;
  for (let tried = 0; tried < times; ) {
    const text = mutate(tokens[random(tokens.length)]!, tokens[random(tokens.length)]!, random);
    if (tokens.includes(text)) continue;
    tried++;
    if (accepts(text)) accepted++;
  }
  return accepted;
}

/** The host's checks without the comparison of the MAC. It decrypts and goes on, as a careless reader would. */
function acceptsWithoutMac(text: string): boolean {
  const parts = splitV3Local(text);
  const kid = parts === null ? undefined : /"kid":"([0-9a-f]{16})"/.exec(Buffer.from(parts.footer).toString())?.[1];
  const hostKey = kid === undefined ? undefined : expectation.keyOf(kid);
  if (parts === null || hostKey === undefined) return false;
  const nonce = parts.payload.subarray(0, 32);
  const keys = hostKey.token.expand(concatBytes(utf8('paseto-encryption-key'), nonce, Uint8Array.of(1)));
  const ciphertext = parts.payload.subarray(32, -48);
  const plaintext = hostKey.suite.aes256Ctr(keys.subarray(0, 32), keys.subarray(32, 48), ciphertext);
  const claims = decodeClaims(Buffer.from(plaintext).toString());
  return claims !== null && claims.hostId === HOST_ID && claims.clientId === CLIENT_ID && claims.op === 'put';
}

describe('changed tokens', () => {
  const seed = randomInt(2 ** 32);

  it(`are refused, 100,000 of 100,000 (B15, B16; seed ${seed})`, () => {
    const otherCodes: string[] = [];
    const accepted = countAccepted(seed, MUTATIONS, (text) => {
      const code = codeOf(() => verifyToken(text, expectation));
      if (code !== 'token_invalid') otherCodes.push(`${code} ${text}`);
      return code === 'accepted';
    });
    expect(accepted, `seed ${seed}`).toBe(0);
    // None of them even gets past the MAC.
    expect(otherCodes, `seed ${seed}`).toEqual([]);
  });

  it(`would be accepted by hundreds if the MAC were not compared: the loop above can fail (seed ${seed})`, () => {
    expect(countAccepted(seed, MUTATIONS / 10, acceptsWithoutMac), `seed ${seed}`).toBeGreaterThan(100);
  });

  it('are made of tokens that the host does take, whole', () => {
    expect(tokens.map((token) => codeOf(() => verifyToken(token, expectation)))).toEqual(tokens.map(() => 'accepted'));
    expect(tokens.every(acceptsWithoutMac)).toBe(true);
  });
});

describe('what is signed for one purpose', () => {
  const body = utf8('{"objects":[]}');
  const target = { method: 'POST', targetUri: 'https://broker.example:8443/v1/puts' };
  const request = signRequest({
    ...target,
    body,
    peerId: HOST_ID,
    key,
    createdMs: NOW_MS,
    nonce: exampleBytes('nonce').subarray(0, 16),
  });
  const claimed = readRequestSignature(request.headers);
  const answer = signAnswer({ status: 200, body, request: claimed, key, nowMs: NOW_MS });
  const identity = p256KeyPair();
  const receipt = encodeReceipt(
    {
      ...exampleClaims(),
      timeMs: NOW_MS,
      items: [{ cid: exampleClaims().items[0].cid, sizeBytes: 1000, result: 'stored' }],
    },
    es256Signer(identity.privateKey),
  );

  const asToken = (text: string) => codeOf(() => verifyToken(text, expectation));
  const asReceipt = (text: string) => codeOf(() => decodeReceipt(text, es256Verifier(identity.publicKey)));
  const asRequest = (headers: Record<string, string>) =>
    codeOf(() => verifyRequest(readRequestSignature(headers), { ...target, body, key, nowMs: NOW_MS }));
  const asAnswer = (headers: Record<string, string>) =>
    codeOf(() => verifyAnswer({ status: 200, headers, body, request, peerId: HOST_ID, key }));

  it('is taken for that purpose', () => {
    expect([asToken(tokens[0]!), asReceipt(receipt), asRequest(request.headers), asAnswer(answer)]).toEqual(
      Array(4).fill('accepted'),
    );
  });

  it('is no token, though it is a receipt or a control message (B10)', () => {
    const texts = [receipt, ...Object.values(request.headers), ...Object.values(answer)];
    for (const text of texts) expect(asToken(text)).toBe('token_invalid');
    // The MAC of a control message, over the very bytes of a token, in the place of the token's MAC.
    for (const mac of [key.toBroker, key.toPeer]) {
      const bytes = splitV3Local(tokens[0]!)!.payload;
      const forged = concatBytes(bytes.subarray(0, -48), mac(bytes.subarray(0, -48)), new Uint8Array(16));
      expect(asToken(tokens[0]!.replace(encodeBase64url(bytes), encodeBase64url(forged)))).toBe('token_invalid');
    }
  });

  it('is no receipt, though it is a token or a control message (B10)', () => {
    for (const text of [...tokens, ...Object.values(request.headers), ...Object.values(answer)]) {
      expect(asReceipt(text)).toBe('receipt_invalid');
    }
    const [header, payload] = receipt.split('.');
    const mac = encodeBase64url(concatBytes(key.toBroker(utf8(`${header}.${payload}`)), new Uint8Array(32)));
    expect(asReceipt(`${header}.${payload}.${mac}`)).toBe('receipt_invalid');
  });

  it('is no control message, though it is a token, a receipt or a message of the other direction (B8, B10)', () => {
    for (const text of [tokens[0]!, receipt]) {
      expect(asRequest({ ...request.headers, signature: `peerkeep=:${text}:` })).toBe('signature_invalid');
      expect(asAnswer({ ...answer, signature: `peerkeep=:${text}:` })).toBe('answer_untrusted');
    }
    expect(asRequest(answer as Record<string, string>)).toBe('signature_invalid');
    expect(asAnswer(request.headers as Record<string, string>)).toBe('answer_untrusted');
    // Reflection: the right base, signed with the key of the other direction.
    const reflected = signRequest({
      ...target,
      body,
      peerId: HOST_ID,
      key: Object.assign(Object.create(key) as typeof key, { toBroker: key.toPeer }),
      createdMs: NOW_MS,
      nonce: exampleBytes('nonce').subarray(0, 16),
    });
    expect(asRequest(reflected.headers)).toBe('signature_invalid');
  });
});
