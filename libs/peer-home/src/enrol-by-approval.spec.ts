// Enrolment by a person's approval: what is asked, how patiently, and how it ends (B1, B2; RFC 8628 §3.4, §3.5).
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '#process';
import {
  type AccountId,
  decodeBase64url,
  type ErrorCode,
  encodeBase64url,
  formatTime,
  type PeerId,
  POLL_SLOWER_MS,
  ProtocolError,
  problemFrom,
  uuidV7,
} from '#protocol';
import { TestAuthority } from '../../../test/authority.js';
import type { ApprovalAsked } from './enrol-by-approval.js';
import { type EnrolledPeer, enrolPeer } from './enrol-peer.js';

const NOW_MS = Date.UTC(2026, 10, 20);
const PEER_ID = uuidV7<PeerId>(NOW_MS, new Uint8Array(10).fill(1));
const ACCOUNT_ID = uuidV7<AccountId>(NOW_MS, new Uint8Array(10).fill(2));
const DEVICE_CODE = encodeBase64url(new Uint8Array(32).fill(3));
const INTERVAL_MS = 5_000;
const LIFE_MS = 900_000;

/** A clock on which every wait is over as soon as it began; it remembers how long each should have been. */
class HurriedClock extends FakeClock {
  readonly waits: number[] = [];

  override schedule(delayMs: number, run: () => void): () => void {
    this.waits.push(delayMs);
    const cancel = super.schedule(delayMs, run);
    setImmediate(() => this.advance(delayMs));
    return cancel;
  }
}

interface Asked {
  readonly path: string;
  readonly body: Record<string, unknown>;
}

let authority: TestAuthority;
let server: Server;
let port: number;
let asked: Asked[];
/** What the broker answers to polls, one after another; the last one stays. 'cut' ends the connection. */
let polls: (ErrorCode | 'approved' | 'cut')[];
let clock: HurriedClock;
let shown: ApprovalAsked[];

beforeEach(async () => {
  authority = await TestAuthority.create();
  const identity = await authority.issue('broker');
  asked = [];
  shown = [];
  clock = new HurriedClock(NOW_MS);
  server = createServer(
    { key: identity.privateKeyPem, cert: identity.certificatePem + authority.caPem },
    async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>;
      asked.push({ path: request.url!, body });
      const answer = await answerTo(request.url!, body);
      if (answer === null) return void request.socket.destroy();
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.json));
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function answerTo(path: string, body: Record<string, unknown>): Promise<{ status: number; json: object } | null> {
  if (path === '/v1/device-authorizations') {
    const verificationUri = `https://127.0.0.1:${port}/enrol`;
    const userCode = 'WDJB-MJHT';
    return {
      status: 200,
      json: {
        deviceCode: DEVICE_CODE,
        userCode,
        verificationUri,
        verificationUriComplete: `${verificationUri}?code=${userCode}`,
        expiresInMs: LIFE_MS,
        intervalMs: INTERVAL_MS,
      },
    };
  }
  const poll = polls.length > 1 ? polls.shift()! : polls[0]!;
  if (poll === 'cut') return null;
  if (poll !== 'approved') {
    const error = new ProtocolError(poll);
    return { status: error.status, json: problemFrom(error) };
  }
  const { trustDomain } = authority;
  const certificate = await authority.certify(decodeBase64url(body.csr as string)!, { trustDomain, subject: PEER_ID });
  const transactionKey = encodeBase64url(new Uint8Array(32).fill(7));
  const time = formatTime(NOW_MS);
  return {
    status: 200,
    json: { peerId: PEER_ID, accountId: ACCOUNT_ID, trustDomain, certificate, transactionKey, time },
  };
}

function enrol(signal?: AbortSignal): Promise<EnrolledPeer> {
  return enrolPeer({
    joinLink: authority.joinLink(port),
    name: 'laptop',
    credential: {
      kind: 'approval',
      purpose: 'host',
      program: 'peerkeep-agent',
      clock,
      onAsked: (told) => shown.push(told),
    },
    ...(signal === undefined ? {} : { signal }),
  });
}

const ended = (enrolling: Promise<EnrolledPeer>): Promise<unknown> => enrolling.catch((error: unknown) => error);

describe('enrolment by approval', () => {
  it('shows what a person needs, asks with the same request each time, and goes on when approved', async () => {
    polls = ['enrolment_pending', 'enrolment_pending', 'approved'];
    const peer = await enrol();
    expect(peer).toMatchObject({ peerId: PEER_ID, accountId: ACCOUNT_ID, name: 'laptop' });
    expect(shown).toEqual([
      {
        verificationUri: `https://127.0.0.1:${port}/enrol`,
        verificationUriComplete: `https://127.0.0.1:${port}/enrol?code=WDJB-MJHT`,
        userCode: 'WDJB-MJHT',
        fingerprint: expect.stringMatching(/^(?:[0-9a-f]{4} ){4}[0-9a-f]{4}$/),
        expiresInMs: LIFE_MS,
      },
    ]);
    const [authorization, ...enrolments] = asked;
    expect(authorization).toMatchObject({
      path: '/v1/device-authorizations',
      body: { name: 'laptop', purpose: 'host', program: 'peerkeep-agent' },
    });
    const { csr } = authorization!.body;
    expect(enrolments).toEqual(
      Array.from({ length: 3 }, () => ({
        path: '/v1/enrolments',
        body: { name: 'laptop', csr, credential: { kind: 'device-code', deviceCode: DEVICE_CODE } },
      })),
    );
    // It waits before the first poll too (RFC 8628 §3.3).
    expect(clock.waits).toEqual([INTERVAL_MS, INTERVAL_MS, INTERVAL_MS]);
    expect(JSON.stringify(asked)).not.toContain('PRIVATE KEY');
  });

  it('polls five seconds slower from the first time that it is told to', async () => {
    polls = ['enrolment_poll_too_fast', 'enrolment_pending', 'enrolment_poll_too_fast', 'approved'];
    await enrol();
    expect(clock.waits).toEqual([0, 1, 1, 2].map((times) => INTERVAL_MS + times * POLL_SLOWER_MS));
  });

  it('backs off from a broker that does not answer, and asks at the old pace when it is back', async () => {
    polls = ['cut', 'overloaded', 'stopping', 'enrolment_pending', 'approved'];
    await enrol();
    expect(clock.waits).toEqual([0, 2, 4, 8, 0].map((times) => INTERVAL_MS * (1 + times)));
  });

  it.each<ErrorCode>(['enrolment_refused', 'enrolment_expired', 'csr_invalid'])('ends with %s', async (code) => {
    polls = ['enrolment_pending', code];
    await expect(enrol()).rejects.toMatchObject({ code });
  });

  it('gives up when the code has expired, whatever the broker says', async () => {
    polls = ['enrolment_pending'];
    await expect(enrol()).rejects.toMatchObject({ code: 'enrolment_expired' });
    expect(clock.waits).toHaveLength(LIFE_MS / INTERVAL_MS);
  });

  it('stops at once, between polls, when the person gives up', async () => {
    polls = ['enrolment_pending'];
    const stop = new AbortController();
    const waiting = new (class extends FakeClock {
      override schedule(delayMs: number, run: () => void): () => void {
        setImmediate(() => stop.abort());
        return super.schedule(delayMs, run);
      }
    })(NOW_MS);
    clock = waiting as HurriedClock;
    expect(await ended(enrol(stop.signal))).toMatchObject({ code: 'interrupted' });
    expect(asked).toHaveLength(1);
  });
});
