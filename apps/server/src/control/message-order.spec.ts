// Control messages that are replayed, reordered, altered or stale, at the running broker's own guard (B8, B9). No order
// is promised between messages: each stands for itself, is taken once, and its answer belongs to it alone.
import { randomBytes } from 'node:crypto';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLOCK_SKEW_MS_MAX, isRefusal, type SignedRequest, signRequest, utf8, verifyAnswer } from '#protocol';
import { BrokerFixture } from '../testing/broker-fixture.js';
import { TestPeer } from '../testing/test-peer.js';

const PATH = '/v1/presence';
const BODY = '{"host":null,"program":"test"}';

let fixture: BrokerFixture;
let peer: TestPeer;
let other: TestPeer;

beforeAll(async () => {
  fixture = await BrokerFixture.start();
  peer = await TestPeer.enrol(fixture);
  other = await TestPeer.enrol(fixture);
});

afterAll(() => fixture.remove());

interface Received {
  readonly status: number;
  readonly code: string | undefined;
  readonly headers: Record<string, string>;
  readonly text: string;
}
interface Sent {
  readonly method?: 'post' | 'put';
  readonly path?: string;
  readonly body?: string;
  readonly headers?: Record<string, string>;
}

function signBy(signer: TestPeer, createdMs = fixture.clock.nowMs(), brokerUrl = fixture.url): SignedRequest {
  return signRequest({
    method: 'POST',
    targetUri: `${brokerUrl}${PATH}`,
    body: utf8(BODY),
    peerId: signer.peerId,
    key: signer.key,
    createdMs,
    nonce: randomBytes(16),
  });
}

/** What the broker says to this message, or to it with something else sent in its place. */
async function send(signed: SignedRequest, { method = 'post', path = PATH, body = BODY, headers }: Sent = {}) {
  const to = request(fixture.url)
    [method](path)
    .ca(await fixture.caPem());
  const response = await to
    .set({ ...signed.headers, ...headers })
    .set('content-type', 'application/json')
    .send(body);
  const { status, text } = response;
  return { status, text, code: response.body.code, headers: response.headers } as Received;
}

const codeOf = async (answer: Promise<Received>): Promise<string | number> => {
  const { code, status } = await answer;
  return code ?? status;
};

describe('a message that comes again', () => {
  it('is message_replayed, for as long as its time would let it in, then message_stale', async () => {
    const signed = signBy(peer);
    expect(await codeOf(send(signed))).toBe(200);
    expect(await codeOf(send(signed))).toBe('message_replayed');
    for (let i = 0; i < 3; i++) expect(await codeOf(send(signBy(peer)))).toBe(200);
    fixture.clock.advance(CLOCK_SKEW_MS_MAX - 1_000);
    expect(await codeOf(send(signed))).toBe('message_replayed');
    fixture.clock.advance(2_000);
    expect(await codeOf(send(signed))).toBe('message_stale');
  });

  it('is taken once of twenty times at the same time', async () => {
    const signed = signBy(peer);
    const codes = await Promise.all(Array.from({ length: 20 }, () => codeOf(send(signed))));
    expect(codes.filter((code) => code === 200)).toHaveLength(1);
    expect(codes.filter((code) => code === 'message_replayed')).toHaveLength(19);
  });
});

describe('messages in another order than they were made', () => {
  it('are each taken, once: an older one after a newer one too, until it is stale', async () => {
    const nowMs = fixture.clock.nowMs();
    const made = [0, 60_000, 120_000, 180_000, CLOCK_SKEW_MS_MAX - 1_000].map((agoMs) => signBy(peer, nowMs - agoMs));
    for (const signed of made) expect(await codeOf(send(signed))).toBe(200);
    for (const signed of made.toReversed()) expect(await codeOf(send(signed))).toBe('message_replayed');
    expect(await codeOf(send(signBy(peer, nowMs - CLOCK_SKEW_MS_MAX - 1_000)))).toBe('message_stale');
  });

  it('bring answers that cannot be exchanged, though the requests say the same', async () => {
    const requests = [signBy(peer), signBy(peer)];
    const answers = [await send(requests[0]!), await send(requests[1]!)];
    const verdict = (asked: number, answered: number, reader = peer): string => {
      const { status, headers, text } = answers[answered]!;
      try {
        verifyAnswer({
          status,
          headers,
          body: utf8(text),
          request: requests[asked]!,
          peerId: reader.peerId,
          key: reader.key,
        });
      } catch (error) {
        if (isRefusal(error)) return error.code;
        throw error;
      }
      return 'accepted';
    };
    expect([verdict(0, 0), verdict(1, 1)]).toEqual(['accepted', 'accepted']);
    expect([verdict(0, 1), verdict(1, 0), verdict(0, 0, other)]).toEqual(Array(3).fill('answer_untrusted'));
  });
});

describe('an altered message', () => {
  it.each<[string, (signed: SignedRequest) => Sent, string]>([
    ['another body', () => ({ body: BODY.replace('test', 'tests') }), 'digest_mismatch'],
    ['no body', () => ({ body: '' }), 'digest_mismatch'],
    ['another path', () => ({ path: '/v1/reports' }), 'signature_invalid'],
    ['a query', () => ({ path: `${PATH}?x=1` }), 'signature_invalid'],
    [
      'another time',
      (signed) => ({ headers: changed(signed, 'signature-input', /created=\d+/, 'created=1') }),
      'signature_invalid',
    ],
    [
      'another nonce',
      (signed) => ({ headers: changed(signed, 'signature-input', /nonce="[^"]+"/, `nonce="${'A'.repeat(22)}"`) }),
      'signature_invalid',
    ],
    [
      'another peer',
      (signed) => ({
        headers: changed(signed, 'signature-input', /keyid="[^"]+"/, `keyid="${other.peerId}.${other.key.kid}"`),
      }),
      'signature_invalid',
    ],
    [
      'a key that the peer does not have',
      (signed) => ({ headers: changed(signed, 'signature-input', /\.[0-9a-f]{16}"/, `.${'0'.repeat(16)}"`) }),
      'key_unknown',
    ],
    [
      'another algorithm',
      (signed) => ({ headers: changed(signed, 'signature-input', 'hmac-sha256', 'hmac-sha512') }),
      'signature_invalid',
    ],
    ['another MAC', (signed) => ({ headers: changed(signed, 'signature', /:./, ':_') }), 'signature_invalid'],
    ['another digest', (signed) => ({ headers: changed(signed, 'content-digest', /:./, ':_') }), 'signature_invalid'],
  ])('with %s is refused, and does not use the nonce of the true one up', async (_, change, code) => {
    const signed = signBy(peer);
    expect(await codeOf(send(signed, change(signed)))).toBe(code);
    expect(await codeOf(send(signed))).toBe(200);
    expect(await codeOf(send(signed))).toBe('message_replayed');
  });
});

describe('a message for another broker', () => {
  it.each(['https://127.0.0.1:1', 'https://broker.example:8443', 'http://127.0.0.1'])(
    'at %s is refused',
    async (url) => {
      expect(await codeOf(send(signBy(peer, fixture.clock.nowMs(), url)))).toBe('signature_invalid');
    },
  );
});

function changed(signed: SignedRequest, name: string, from: string | RegExp, to: string): Record<string, string> {
  const value = signed.headers[name]!.replace(from, to);
  expect(value).not.toBe(signed.headers[name]);
  return { [name]: value };
}
