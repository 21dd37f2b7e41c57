// Signed answers (B8): the peer can tell that it is the broker, and that this is the answer to this very request.
import { createVerifier, httpbis } from 'http-message-signatures';
import { describe, expect, it } from 'vitest';
import { CLIENT_ID, codeOf, exampleBytes, exampleKey, NOW_MS, OTHER_ID } from '../../testing/examples.js';
import { utf8 } from '../bytes.js';
import { childKey } from '../crypto/hkdf.js';
import { nobleSuite } from '../crypto/noble-suite.js';
import { nodeSuite } from '../crypto/node-suite.js';
import { signAnswer, verifyAnswer } from './answer-signature.js';
import { contentDigest } from './content-digest.js';
import { readRequestSignature, signRequest } from './request-signature.js';

const TARGET_URI = 'https://broker.example:8443/v1/puts';
const BODY = utf8('{"objects":[]}');

describe.each([nodeSuite, nobleSuite])('a signed answer on suite $name', (suite) => {
  const key = exampleKey(suite);
  const requestWith = (nonce: string) =>
    signRequest({
      method: 'POST',
      targetUri: TARGET_URI,
      body: utf8('{}'),
      peerId: CLIENT_ID,
      key,
      createdMs: NOW_MS,
      nonce: exampleBytes(nonce).subarray(0, 16),
    });
  const request = requestWith('nonce');
  const answerTo = (headers: Readonly<Record<string, string>>, status = 200) =>
    signAnswer({ status, body: BODY, request: readRequestSignature(headers), key, nowMs: NOW_MS + 1500 });
  const headers = answerTo(request.headers);

  type Received = Partial<Parameters<typeof verifyAnswer>[0]>;
  const received = (changes: Received = {}) =>
    verifyAnswer({ status: 200, headers, body: BODY, request, peerId: CLIENT_ID, key, ...changes });
  const verdict = (changes: Received = {}) => codeOf(() => received(changes));

  it('is accepted and tells the time of the broker, in whole seconds', () => {
    expect(received()).toEqual({ brokerTimeMs: NOW_MS + 1000 });
  });

  it('is verified by the npm package http-message-signatures, bound to its request (RFC 9421 §2.4)', async () => {
    const signingKey = Buffer.from(childKey(suite, exampleBytes('transaction key'), 'peerkeep/1/control/to-peer'));
    const verifyWith = (requestHeaders: Readonly<Record<string, string>>) =>
      httpbis.verifyMessage(
        {
          keyLookup: async () => ({ algs: ['hmac-sha256'], verify: createVerifier(signingKey, 'hmac-sha256') }),
          notAfter: new Date(NOW_MS + 10_000),
          all: true,
        },
        { status: 200, headers: { ...headers } },
        { method: 'POST', url: TARGET_URI, headers: { ...requestHeaders } },
      );
    expect(await verifyWith(request.headers)).toBe(true);
    expect(await verifyWith(requestWith('other nonce').headers)).toBe(false);
  });

  it('to one request is no answer to another: a recorded answer cannot be replayed (B9)', () => {
    expect(verdict({ request: requestWith('other nonce') })).toBe('answer_untrusted');
    expect(verdict({ headers: answerTo(requestWith('other nonce').headers) })).toBe('answer_untrusted');
  });

  it.each<[string, Received]>([
    ['another status', { status: 500 }],
    ['another body', { body: utf8('{"objects":[1]}') }],
    [
      'another body and its own digest',
      {
        body: utf8('{}'),
        headers: { ...headers, 'content-digest': contentDigest(suite, utf8('{}')) },
      },
    ],
    ['no signature', { headers: { 'content-digest': headers['content-digest'] } }],
    ['no headers', { headers: {} }],
    ['two signatures', { headers: { ...headers, signature: [headers.signature!, headers.signature!] } }],
    ['no digest', { headers: { ...headers, 'content-digest': undefined } }],
    ['another peer', { peerId: OTHER_ID }],
    ['another key', { key: exampleKey(suite, 'other') }],
    [
      'a later time',
      {
        headers: {
          ...headers,
          'signature-input': headers['signature-input']!.replace(/created=\d+/, 'created=1795000000'),
        },
      },
    ],
    [
      'another label',
      {
        headers: { ...headers, 'signature-input': headers['signature-input']!.replace('peerkeep=', 'sig=') },
      },
    ],
    ['the signature of the request', { headers: { ...request.headers } }],
  ])('with %s is not trusted (B8)', (_, changes) => {
    expect(verdict(changes)).toBe('answer_untrusted');
  });

  it('cannot be made with the key of requests: each direction has its own (B8)', () => {
    const reflecting = Object.assign(Object.create(key) as typeof key, { toPeer: key.toBroker });
    const forged = signAnswer({
      status: 200,
      body: BODY,
      request: readRequestSignature(request.headers),
      key: reflecting,
      nowMs: NOW_MS,
    });
    expect(verdict({ headers: forged })).toBe('answer_untrusted');
  });
});
