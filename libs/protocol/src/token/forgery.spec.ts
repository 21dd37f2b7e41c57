// Nobody without the host's key makes a token: 100,000 changed tokens of every op, and every other signed thing shown as one.
import { randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  CLIENT_ID,
  codeOf,
  exampleBytes,
  exampleClaims,
  exampleExpectation,
  HOST_ID,
  NOW_MS,
  p256KeyPair,
  TRANSACTION_ID,
  TRUST_DOMAIN,
} from '../../testing/examples.js';
import {
  acceptsWithoutMac,
  countAccepted,
  forgedHostKey,
  forgedTokens,
  tryForgeries,
} from '../../testing/forgeries.js';
import { TOKEN_KINDS } from '../../testing/token-kinds.js';
import { concatBytes, encodeBase64url, utf8 } from '../bytes.js';
import { signAnswer, verifyAnswer } from '../control/answer-signature.js';
import { readRequestSignature, signRequest, verifyRequest } from '../control/request-signature.js';
import { es256Signer, es256Verifier } from '../crypto/es256.js';
import { splitV3Local } from '../paseto/v3-local.js';
import { decodeReceipt, encodeReceipt } from '../receipt/receipt.js';
import { sealToken } from './seal-token.js';
import { verifyToken } from './verify-token.js';

const MUTATIONS = 100_000;
const key = forgedHostKey;

describe('changed tokens', () => {
  const seed = randomInt(2 ** 32);

  it(`of every op and of batches are refused, 100,000 of 100,000 (B15, B16; seed ${seed})`, () => {
    const outcome = tryForgeries(seed, MUTATIONS);
    expect(outcome, `seed ${seed}`).toEqual({ tried: MUTATIONS, accepted: 0, refusals: { token_invalid: MUTATIONS } });
  });

  it(`would be accepted by hundreds if the MAC were not compared: the loop above can fail (seed ${seed})`, () => {
    expect(countAccepted(seed, MUTATIONS / 10, acceptsWithoutMac), `seed ${seed}`).toBeGreaterThan(100);
  });

  it('are made of tokens that the host does take, whole', () => {
    for (const { name, text, expectation } of forgedTokens) {
      expect(
        codeOf(() => verifyToken(text, expectation)),
        name,
      ).toBe('accepted');
      expect(acceptsWithoutMac(text, expectation), name).toBe(true);
    }
    expect(forgedTokens.map(({ name }) => name)).toEqual([
      ...TOKEN_KINDS.map(({ name }) => name),
      'under the key before',
    ]);
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
  const expectation = exampleExpectation(key);
  const token = sealToken(key, exampleClaims(), exampleBytes('nonce 1'));
  const identity = p256KeyPair();
  const receipt = encodeReceipt(
    {
      trustDomain: TRUST_DOMAIN,
      transactionId: TRANSACTION_ID,
      op: 'put',
      hostId: HOST_ID,
      clientId: CLIENT_ID,
      timeMs: NOW_MS,
      items: [{ cid: exampleClaims().items[0]!.cid, sizeBytes: 1000, result: 'stored' }],
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
    expect([asToken(token), asReceipt(receipt), asRequest(request.headers), asAnswer(answer)]).toEqual(
      Array(4).fill('accepted'),
    );
  });

  it('is no token, though it is a receipt or a control message (B10)', () => {
    const texts = [receipt, ...Object.values(request.headers), ...Object.values(answer)];
    for (const text of texts) expect(asToken(text)).toBe('token_invalid');
    // The MAC of a control message, over the very bytes of a token, in the place of the token's MAC.
    for (const mac of [key.toBroker, key.toPeer]) {
      const bytes = splitV3Local(token)!.payload;
      const forged = concatBytes(bytes.subarray(0, -48), mac(bytes.subarray(0, -48)), new Uint8Array(16));
      expect(asToken(token.replace(encodeBase64url(bytes), encodeBase64url(forged)))).toBe('token_invalid');
    }
  });

  it('is no receipt, though it is a token or a control message (B10)', () => {
    for (const text of [
      ...forgedTokens.map(({ text }) => text),
      ...Object.values(request.headers),
      ...Object.values(answer),
    ]) {
      expect(asReceipt(text)).toBe('receipt_invalid');
    }
    const [header, payload] = receipt.split('.');
    const mac = encodeBase64url(concatBytes(key.toBroker(utf8(`${header}.${payload}`)), new Uint8Array(32)));
    expect(asReceipt(`${header}.${payload}.${mac}`)).toBe('receipt_invalid');
  });

  it('is no control message, though it is a token, a receipt or a message of the other direction (B8, B10)', () => {
    for (const text of [token, receipt]) {
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
