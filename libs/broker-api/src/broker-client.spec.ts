// The broker is believed only where it signed: over real TLS, against a broker that signs with the protocol itself.
import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PeerHome } from '#peer-home';
import { FakeClock, openLog } from '#process';
import {
  CLOCK_SKEW_MS_MAX,
  CONTROL_BODY_BYTES_MAX,
  decodeBase64url,
  type ErrorCode,
  formatTime,
  ProtocolError,
  problemFrom,
  type Redundancy,
  type RequestSignature,
  readRequestSignature,
  signAnswer,
  TOKEN_LIFE_MS_MAX,
  TransactionKey,
  verifyRequest,
  wrapTransactionKey,
} from '#protocol';
import { TestAuthority, type TestIdentity } from '../../../test/authority.js';
import { createHome, FIXTURE_TIME_MS, peerIdOf } from '../../../test/peer-fixture.js';
import { BrokerClient } from './broker-client.js';

const REDUNDANCY: Redundancy = { dataShards: 4, totalShards: 6, safeShards: 5, eligibleHosts: 8 };
const KEY = new TransactionKey(new Uint8Array(32).fill(1));
const PEER_ID = peerIdOf(1);

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly json: unknown;
  readonly signature: RequestSignature;
}
interface Answer {
  readonly status: number;
  readonly json: unknown;
}
type Tamper = (answer: { status: number; headers: Record<string, string>; body: Buffer }) => typeof answer;

let authority: TestAuthority;
let server: Server;
let port: number;
let home: PeerHome;
let clock: FakeClock;
let client: BrokerClient;
let asked: Asked[];
let answer: (asked: Asked) => Answer | Promise<Answer>;
let tamper: Tamper;
/** The broker's clock, Unix ms. */
let brokerMs: number;

beforeEach(async () => {
  authority = await TestAuthority.create();
  asked = [];
  answer = () => ({ status: 200, json: REDUNDANCY });
  tamper = (whole) => whole;
  brokerMs = FIXTURE_TIME_MS;
  port = await listen(await authority.issue('broker'));
  home = await createHome(authority, { brokerPort: port, transactionKey: KEY });
  clock = new FakeClock(FIXTURE_TIME_MS);
  client = new BrokerClient({ home, clock, log: openLog('test', 'silent') });
});

afterEach(async () => {
  await client.close();
  await close();
});

async function close(): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

/** A broker that checks each request and signs each answer as the protocol says. */
async function listen(identity: TestIdentity): Promise<number> {
  server = createServer({ key: identity.privateKeyPem, cert: identity.certificatePem }, async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const signature = readRequestSignature(request.headers);
    // A key that the home has been given is known to the broker that gave it.
    const key = signature.kid === KEY.kid ? KEY : home.transactionKeys().current;
    let told: Answer;
    try {
      const targetUri = `https://${request.headers.host}${request.url}`;
      verifyRequest(signature, { method: request.method!, targetUri, body, key, nowMs: brokerMs });
      const json: unknown = body.length === 0 ? null : JSON.parse(body.toString('utf8'));
      const one = { method: request.method!, url: request.url!, json, signature };
      asked.push(one);
      told = await answer(one);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      told = { status: error.status, json: problemFrom(error) };
    }
    const answerBody = Buffer.from(JSON.stringify(told.json));
    const headers = signAnswer({
      status: told.status,
      body: answerBody,
      request: signature,
      key,
      nowMs: brokerMs,
    });
    const sent = tamper({ status: told.status, headers: { ...headers }, body: answerBody });
    response.writeHead(sent.status, sent.headers).end(sent.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const refusal = (code: ErrorCode): Answer => ({
  status: new ProtocolError(code).status,
  json: problemFrom(new ProtocolError(code)),
});

describe('a request to the broker', () => {
  it('is signed, and its answer parsed', async () => {
    expect(await client.redundancy()).toEqual(REDUNDANCY);
    expect(asked).toMatchObject([
      { method: 'GET', url: '/v1/redundancy', signature: { peerId: PEER_ID, kid: KEY.kid } },
    ]);
  });

  it('carries its query under the signature', async () => {
    answer = () => ({ status: 200, json: { objects: [], next: null } });
    await client.listObjects({ kind: 'snapshot', limit: 10 });
    expect(asked[0]?.url).toBe('/v1/objects?kind=snapshot&limit=10');
  });

  it('carries a fresh nonce each time', async () => {
    await client.redundancy();
    await client.redundancy();
    expect(asked[0]?.signature.nonce).not.toBe(asked[1]?.signature.nonce);
  });

  it('fails with the code that the broker gives', async () => {
    answer = () => refusal('credit_exceeded');
    await expect(client.redundancy()).rejects.toMatchObject({ code: 'credit_exceeded' });
  });

  it('is signed anew, once, when the broker has restarted since', async () => {
    answer = () => (asked.length === 1 ? refusal('message_predates_restart') : { status: 200, json: REDUNDANCY });
    expect(await client.redundancy()).toEqual(REDUNDANCY);
    expect(asked).toHaveLength(2);
    answer = () => refusal('message_predates_restart');
    await expect(client.redundancy()).rejects.toMatchObject({ code: 'message_predates_restart' });
    expect(asked).toHaveLength(4);
  });

  it('is not repeated for any other refusal', async () => {
    answer = () => refusal('overloaded');
    await expect(client.redundancy()).rejects.toMatchObject({ code: 'overloaded' });
    expect(asked).toHaveLength(1);
  });

  it('stops at the wish of the caller', async () => {
    const controller = new AbortController();
    answer = () => {
      controller.abort();
      return new Promise<Answer>(() => undefined);
    };
    await expect(client.redundancy({ signal: controller.signal })).rejects.toMatchObject({ code: 'interrupted' });
  });

  it('is refused here when it is too large', async () => {
    const reports = [
      { outcome: 'done' as const, transactionId: '' as never, receipt: 'x'.repeat(CONTROL_BODY_BYTES_MAX) },
    ];
    await expect(client.sendReports({ reports })).rejects.toMatchObject({ code: 'request_too_large' });
    expect(asked).toEqual([]);
  });
});

describe('an answer', () => {
  it.each<[string, Tamper]>([
    [
      'with another body',
      (whole) => ({ ...whole, body: Buffer.from(JSON.stringify({ ...REDUNDANCY, dataShards: 1 })) }),
    ],
    ['with another status', (whole) => ({ ...whole, status: 201 })],
    ['without a signature', ({ status, body }) => ({ status, headers: {}, body })],
    ['signed by another key', (whole) => ({ ...whole, headers: { ...whole.headers, signature: 'peerkeep=:AAAA:' } })],
    ['without end', (whole) => ({ ...whole, body: randomBytes(CONTROL_BODY_BYTES_MAX + 1) })],
  ])('%s is not believed', async (_what, change) => {
    tamper = change;
    await expect(client.redundancy()).rejects.toMatchObject({ code: 'answer_untrusted' });
  });

  it('to an earlier request is not believed', async () => {
    let first: Parameters<Tamper>[0] | null = null;
    tamper = (whole) => {
      first ??= whole;
      return first;
    };
    expect(await client.redundancy()).toEqual(REDUNDANCY);
    await expect(client.redundancy()).rejects.toMatchObject({ code: 'answer_untrusted' });
  });

  it('that is signed but breaks its schema is not used', async () => {
    answer = () => ({ status: 200, json: { ...REDUNDANCY, dataShards: 'four' } });
    await expect(client.redundancy()).rejects.toMatchObject({ code: 'format_unsupported' });
  });

  it('with fewer results than reports is not used', async () => {
    answer = () => ({ status: 200, json: { results: [] } });
    const reports = [
      { outcome: 'refused' as const, code: 'token_invalid' as const, clientId: PEER_ID, count: 1, at: formatTime(0) },
    ];
    await expect(client.sendReports({ reports })).rejects.toMatchObject({ code: 'answer_untrusted' });
  });

  it('may say unsigned that the broker does not know our key', async () => {
    answer = () => refusal('key_unknown');
    tamper = ({ status, body }) => ({ status, headers: {}, body });
    await expect(client.redundancy()).rejects.toMatchObject({ code: 'key_unknown' });
  });

  it.each<ErrorCode>([
    'credit_exceeded',
    'message_stale',
    'message_predates_restart',
    'message_replayed',
    'nonce_list_full',
    'peer_suspended',
  ])('may not say %s unsigned: only a broker that knows us can', async (code) => {
    answer = () => refusal(code);
    tamper = ({ status, body }) => ({ status, headers: {}, body });
    await expect(client.redundancy()).rejects.toMatchObject({ code: 'answer_untrusted' });
    expect(asked).toHaveLength(1);
  });

  it('may have results of a newer broker', async () => {
    const results = ['recorded', 'code_of_a_newer_broker'];
    answer = () => ({ status: 200, json: { results } });
    const reports = results.map(() => ({
      outcome: 'refused' as const,
      code: 'token_invalid',
      clientId: PEER_ID,
      count: 1,
      at: formatTime(0),
    }));
    expect(await client.sendReports({ reports })).toEqual({ results });
  });
});

describe('a broker', () => {
  /** Another server on the port of the home; the client has no connection yet. */
  async function replaceBy(identity: TestIdentity): Promise<void> {
    await close();
    home = await createHome(authority, { brokerPort: await listen(identity), transactionKey: KEY });
    client = new BrokerClient({ home, clock, log: openLog('test', 'silent') });
  }

  it('under another CA hears nothing', async () => {
    await replaceBy(await (await TestAuthority.create()).issue('broker'));
    await expect(client.redundancy()).rejects.toMatchObject({ code: 'broker_untrusted' });
    expect(asked).toEqual([]);
  });

  it('that is a peer of the domain hears nothing', async () => {
    await replaceBy(await authority.issue(peerIdOf(7)));
    await expect(client.redundancy()).rejects.toMatchObject({ code: 'broker_untrusted' });
    expect(asked).toEqual([]);
  });

  it('that is not there is unreachable', async () => {
    await close();
    await expect(client.redundancy()).rejects.toMatchObject({ code: 'broker_unreachable' });
  });

  it('that hangs up is unreachable', async () => {
    answer = () => {
      server.closeAllConnections();
      return { status: 200, json: REDUNDANCY };
    };
    await expect(client.redundancy()).rejects.toMatchObject({ code: 'broker_unreachable' });
  });
});

describe("the broker's time", () => {
  it('is learned from answers, and passes with the monotonic clock only', async () => {
    brokerMs = FIXTURE_TIME_MS + 120_000;
    await client.redundancy();
    clock.setWallMs(0);
    clock.advance(1_000);
    expect(client.brokerTime.nowMs()).toBe(FIXTURE_TIME_MS + 121_000);
  });

  it('cures a wrong clock here: the refusal teaches it', async () => {
    brokerMs = FIXTURE_TIME_MS + 3_600_000;
    expect(await client.redundancy()).toEqual(REDUNDANCY);
    expect(client.brokerTime.nowMs()).toBe(brokerMs);
  });

  it('is not taken from an answer that is not believed', async () => {
    brokerMs = FIXTURE_TIME_MS + 120_000;
    tamper = (whole) => ({ ...whole, body: Buffer.from('{}') });
    await expect(client.redundancy()).rejects.toMatchObject({ code: 'answer_untrusted' });
    expect(client.brokerTime.known).toBe(false);
  });
});

describe('renewal', () => {
  it('of the transaction key keeps the old one for tokens under way', async () => {
    const next = new TransactionKey(new Uint8Array(32).fill(2));
    answer = () => ({ status: 200, json: { wrappedKey: wrapTransactionKey(next, KEY, PEER_ID, randomBytes(12)) } });
    await client.renewTransactionKey();
    expect(home.transactionKeys()).toMatchObject({
      current: { kid: next.kid },
      previous: { key: { kid: KEY.kid }, untilMs: FIXTURE_TIME_MS + TOKEN_LIFE_MS_MAX + 2 * CLOCK_SKEW_MS_MAX },
    });
  });

  it('of the transaction key follows the life that the broker tells, and uses the new key at once (B5)', async () => {
    const next = new TransactionKey(new Uint8Array(32).fill(2));
    const wrappedKey = wrapTransactionKey(next, KEY, PEER_ID, randomBytes(12));
    answer = ({ url }) => ({
      status: 200,
      json: url === '/v1/transaction-keys' ? { wrappedKey, acceptPreviousMs: 60_000 } : REDUNDANCY,
    });
    await client.renewTransactionKey();
    expect(home.transactionKeys().previous).toMatchObject({ untilMs: FIXTURE_TIME_MS + 60_000 });
  });

  it('of the transaction key waits while eight old ones are good: none of their tokens is ended (B5)', async () => {
    for (let fill = 2; fill <= 10; fill++) {
      const { current } = home.transactionKeys();
      const next = new TransactionKey(new Uint8Array(32).fill(fill));
      answer = () => ({
        status: 200,
        json: { wrappedKey: wrapTransactionKey(next, current, PEER_ID, randomBytes(12)), acceptPreviousMs: 60_000 },
      });
      const renewed = await client.renewTransactionKey();
      expect(renewed.kid).toBe(fill === 10 ? current.kid : next.kid);
    }
    const { previous, older } = home.transactionKeys();
    expect([previous, ...older]).toHaveLength(8);
    expect(older.at(-1)?.key.kid).toBe(KEY.kid);
  });

  it('of the transaction key refuses one that is sealed for another peer', async () => {
    const next = new TransactionKey(new Uint8Array(32).fill(2));
    answer = () => ({ status: 200, json: { wrappedKey: wrapTransactionKey(next, KEY, peerIdOf(9), randomBytes(12)) } });
    await expect(client.renewTransactionKey()).rejects.toMatchObject({ code: 'answer_untrusted' });
    expect(home.transactionKeys().current.kid).toBe(KEY.kid);
  });

  it('of the certificate keeps the identity key', async () => {
    answer = async ({ json }) => {
      const csr = decodeBase64url((json as { csr: string }).csr)!;
      const id = { trustDomain: authority.trustDomain, subject: PEER_ID };
      return { status: 200, json: { certificate: await authority.certify(csr, id) } };
    };
    const before = home.certificate().pem;
    await client.renewCertificate();
    expect(home.certificate().pem).not.toBe(before);
  });

  it('of the certificate refuses one for another key', async () => {
    const before = home.certificate().pem;
    const { certificatePem } = await authority.issue(PEER_ID);
    answer = () => ({ status: 200, json: { certificate: certificatePem } });
    await expect(client.renewCertificate()).rejects.toMatchObject({ code: 'answer_untrusted' });
    expect(home.certificate().pem).toBe(before);
  });
});
