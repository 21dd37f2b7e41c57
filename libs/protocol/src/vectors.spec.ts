// Our own vectors (libs/protocol/vectors): the wire contract in fixed bytes, valid and invalid, on both suites.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../testing/examples.js';
import { decodeHex, encodeHex, utf8 } from './bytes.js';
import { contentIdBytes, contentIdOf } from './content-id/content-id.js';
import { signAnswer, verifyAnswer } from './control/answer-signature.js';
import { readRequestSignature, signRequest, verifyRequest } from './control/request-signature.js';
import { es256Verifier } from './crypto/es256.js';
import { nobleSuite } from './crypto/noble-suite.js';
import { nodeSuite } from './crypto/node-suite.js';
import type { PeerId } from './ids.js';
import { TransactionKey } from './keys/transaction-key.js';
import { unwrapTransactionKey, wrapTransactionKey } from './keys/wrap-transaction-key.js';
import { decodeReceipt, type ReceiptClaims } from './receipt/receipt.js';
import { decodeClaims } from './token/claims.js';
import { sealToken } from './token/seal-token.js';
import { type TokenExpectation, verifyToken } from './token/verify-token.js';

function vectors<T>(file: string): T {
  return JSON.parse(readFileSync(new URL(`../vectors/${file}`, import.meta.url), 'utf8')) as T;
}

interface Refused {
  readonly name: string;
  readonly code: string;
}

interface KeyVectors {
  schedule: Record<string, string> & { transactionKey: string; kid: string };
  wrapped: { next: string; peerId: PeerId; nonce: string; text: string };
  invalid: (Refused & { text: string; peerId: PeerId })[];
}

type Expected = Omit<TokenExpectation, 'keyOf'>;
interface TokenVectors {
  keys: string[];
  valid: { name: string; nonce: string; payload: string; token: string; expect: Expected; doing: string }[];
  invalid: (Refused & { token: string; expect: Expected })[];
}

interface ReceiptVectors {
  publicKeyPem: string;
  valid: { name: string; claims: ReceiptClaims; receipt: string }[];
  invalid: (Refused & { receipt: string })[];
}

interface RequestVector {
  name: string;
  method: string;
  targetUri: string;
  body: string;
  nowMs: number;
  headers: Record<string, string>;
}
interface AnswerVector {
  name: string;
  status: number;
  body: string;
  requestSignature: string;
  headers: Record<string, string>;
}
interface MessageVectors {
  transactionKey: string;
  peerId: PeerId;
  requests: { valid: (RequestVector & { nonce: string })[]; invalid: (RequestVector & Refused)[] };
  answers: { valid: (AnswerVector & { brokerTimeMs: number })[]; invalid: (AnswerVector & Refused)[] };
}

describe.each([nodeSuite, nobleSuite])('the vectors on suite $name', (suite) => {
  const keyFrom = (hex: string) => new TransactionKey(decodeHex(hex)!, suite);

  it('keys.json: the key schedule and the wrapped key (B3, B5)', () => {
    const { schedule, wrapped, invalid } = vectors<KeyVectors>('keys.json');
    const key = keyFrom(schedule.transactionKey);
    const message = utf8('message');
    const macOf = (label: string) => encodeHex(suite.hmacSha256(decodeHex(schedule[label]!)!)(message));
    expect(key.kid).toBe(schedule.kid);
    expect(encodeHex(key.wrap)).toBe(schedule['peerkeep/1/wrap']);
    expect(encodeHex(key.toBroker(message))).toBe(macOf('peerkeep/1/control/to-broker'));
    expect(encodeHex(key.toPeer(message))).toBe(macOf('peerkeep/1/control/to-peer'));
    const expand = suite.hmacSha384(suite.hmacSha384(new Uint8Array(48))(decodeHex(schedule['peerkeep/1/token']!)!));
    expect(encodeHex(key.token.expand(message))).toBe(encodeHex(expand(message)));

    expect(wrapTransactionKey(keyFrom(wrapped.next), key, wrapped.peerId, decodeHex(wrapped.nonce)!)).toBe(
      wrapped.text,
    );
    expect(encodeHex(unwrapTransactionKey(wrapped.text, key, wrapped.peerId).bytes)).toBe(wrapped.next);
    for (const { name, text, peerId, code } of invalid) {
      expect(
        codeOf(() => unwrapTransactionKey(text, key, peerId)),
        name,
      ).toBe(code);
    }
    expect(invalid.length).toBeGreaterThan(0);
  });

  it('tokens.json: sealed to the same text, and each refusal with its code (B12, B15, B16)', () => {
    const { keys, valid, invalid } = vectors<TokenVectors>('tokens.json');
    const all = keys.map(keyFrom);
    const keyOf = (kid: string) => all.flatMap((key) => [key, key.offline]).find((key) => key.kid === kid);
    for (const { name, nonce, payload, token, expect: expected, doing } of valid) {
      const claims = decodeClaims(payload)!;
      expect(sealToken(all[0]!, claims, decodeHex(nonce)!), name).toBe(token);
      expect(verifyToken(token, { ...expected, keyOf }), name).toEqual({ ...claims, doing });
    }
    for (const { name, token, expect: expected, code } of invalid) {
      expect(
        codeOf(() => verifyToken(token, { ...expected, keyOf })),
        name,
      ).toBe(code);
    }
    expect([valid.length, invalid.length]).toEqual([16, 54]);
  });

  it('messages.json: requests and answers are signed the same, and refused with their codes (B8, B9)', () => {
    const { transactionKey, peerId, requests, answers } = vectors<MessageVectors>('messages.json');
    const key = keyFrom(transactionKey);
    const receive = ({ headers, body, ...rest }: RequestVector) =>
      verifyRequest(readRequestSignature(headers), { ...rest, body: utf8(body), key });
    const receiveAnswer = ({ status, headers, body, requestSignature }: AnswerVector) =>
      verifyAnswer({
        status,
        headers,
        body: utf8(body),
        request: { headers: {}, signature: requestSignature },
        peerId,
        key,
      });

    for (const request of requests.valid) {
      const { nowMs, nonce } = request;
      const body = utf8(request.body);
      const signed = signRequest({ ...request, body, peerId, key, createdMs: nowMs, nonce: decodeHex(nonce)! });
      expect(signed.headers).toEqual(request.headers);
      expect(receive(request)).toMatchObject({ peerId, createdMs: nowMs });
      for (const answer of answers.valid) {
        const made = signAnswer({ ...answer, body: utf8(answer.body), request: receive(request), key, nowMs });
        expect(made).toEqual(answer.headers);
        expect(receiveAnswer(answer)).toEqual({ brokerTimeMs: answer.brokerTimeMs });
      }
    }
    for (const request of requests.invalid)
      expect(
        codeOf(() => receive(request)),
        request.name,
      ).toBe(request.code);
    for (const answer of answers.invalid)
      expect(
        codeOf(() => receiveAnswer(answer)),
        answer.name,
      ).toBe(answer.code);
    expect([requests.valid.length, requests.invalid.length, answers.valid.length, answers.invalid.length]).toEqual([
      1, 11, 1, 5,
    ]);
  });
});

describe('the vectors', () => {
  it('receipts.json: verified to their claims, or refused (B19)', () => {
    const { publicKeyPem, valid, invalid } = vectors<ReceiptVectors>('receipts.json');
    const verify = es256Verifier(publicKeyPem);
    for (const { name, claims, receipt } of valid) expect(decodeReceipt(receipt, verify), name).toEqual(claims);
    for (const { name, receipt, code } of invalid)
      expect(
        codeOf(() => decodeReceipt(receipt, verify)),
        name,
      ).toBe(code);
    expect([valid.length, invalid.length]).toEqual([9, 16]);
  });

  it('content-ids.json: the pieces roots of patterned bytes (B12, B18)', () => {
    const { valid } = vectors<{ valid: { sizeBytes: number; cid: string; piecesRoot: string }[] }>('content-ids.json');
    for (const { sizeBytes, cid, piecesRoot } of valid) {
      const bytes = Uint8Array.from({ length: sizeBytes }, (_, i) => (i ^ (i >>> 8) ^ ((i >>> 14) * 31)) & 0xff);
      expect(contentIdOf(bytes)).toBe(cid);
      expect(encodeHex(contentIdBytes(contentIdOf(bytes)))).toBe(piecesRoot);
    }
    expect(valid).toHaveLength(11);
  });
});
