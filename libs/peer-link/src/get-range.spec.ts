// Ranges of shards from a real host and from lying ones: proven bytes or none, over as many connections as it takes.
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock, openLog } from '#process';
import {
  BLOCK_BYTES,
  blocksOf,
  blockTree,
  ContentIdHasher,
  contentIdOf,
  decodeReceipt,
  encodeBase64url,
  es256Verifier,
  type PeerAddress,
  proveBlockRun,
} from '#protocol';
import { AgentFixture, CLIENT_ID, HOST_ID } from '../../../test/agent-fixture.js';
import { TestAuthority, type TestIdentity } from '../../../test/authority.js';
import { corruptShard } from '../../../test/corrupt-shard.js';
import { createHome, FIXTURE_TIME_MS } from '../../../test/peer-fixture.js';
import { TlsHost } from '../../../test/tls-host.js';
import { PeerLink } from './peer-link.js';

const SHARD = randomBytes(20 * BLOCK_BYTES + 1_234);
const CID = contentIdOf(SHARD);
const SIZE = SHARD.length;

describe('a range of a real host', () => {
  let host: AgentFixture;
  let link: PeerLink;
  let address: PeerAddress;

  beforeEach(async () => {
    host = await AgentFixture.start();
    await host.put(SHARD);
    const home = await createHome(host.authority, { peerId: CLIENT_ID, identity: host.client });
    link = new PeerLink({ home, clock: host.clock, log: openLog('test', 'silent') });
    address = { peerId: HOST_ID, address: '127.0.0.1', port: host.agent.port };
  });

  afterEach(async () => {
    await link.close();
    await host.stop();
  });

  const get = (token: string, start: number, end: number) =>
    link.getRange({ host: address, token, cid: CID, sizeBytes: SIZE, start, end });

  it.each([
    [0, 1],
    [0, SIZE],
    [SIZE - 1, SIZE],
    [BLOCK_BYTES - 1, BLOCK_BYTES + 1],
    [5 * BLOCK_BYTES, 6 * BLOCK_BYTES],
    [100_000, 200_000],
  ])('from %i to %i is those bytes, proven, with a receipt', async (start, end) => {
    const { bytes, receipt } = await get(host.token('stream', SHARD, { maxBytes: SIZE }), start, end);
    expect(bytes.equals(SHARD.subarray(start, end))).toBe(true);
    expect(decodeReceipt(receipt!, es256Verifier(host.home.certificate().pem))).toMatchObject({ op: 'stream', use: 1 });
  });

  it('comes range by range under one token, and under a universal one', async () => {
    const token = host.token('stream', SHARD, { maxBytes: 2 * SIZE });
    for (let start = 0; start < SIZE; start += 50_000) {
      const end = Math.min(SIZE, start + 50_000);
      expect((await get(token, start, end)).bytes.equals(SHARD.subarray(start, end))).toBe(true);
    }
    const universal = host.token('universal', SHARD, { items: [], maxBytes: SIZE, maxUses: 3 });
    expect((await get(universal, 5, 9)).bytes.equals(SHARD.subarray(5, 9))).toBe(true);
  });

  it('says what the host refuses', async () => {
    const token = host.token('stream', SHARD, { maxBytes: BLOCK_BYTES });
    await expect(get(token, 0, BLOCK_BYTES + 1)).rejects.toMatchObject({ code: 'token_budget_spent' });
    await corruptShard(host.home.path, CID, 0);
    await expect(get(token, 0, 1)).rejects.toMatchObject({ code: 'shard_corrupt' });
  });

  it('is asked for within the shard only', async () => {
    for (const [start, end] of [
      [0, 0],
      [-1, 1],
      [0, SIZE + 1],
      [5, 4],
    ] as const) {
      await expect(get('token', start, end)).rejects.toMatchObject({ code: 'range_invalid' });
    }
  });
});

describe('a range of another host', () => {
  let authority: TestAuthority;
  let identity: TestIdentity;
  let link: PeerLink;
  let server: TlsHost;
  /** What was asked for, in order. */
  let asked: string[];

  beforeEach(async () => {
    asked = [];
    authority = await TestAuthority.create();
    identity = await authority.issue(HOST_ID);
    const home = await createHome(authority, { peerId: CLIENT_ID });
    link = new PeerLink({ home, clock: new FakeClock(FIXTURE_TIME_MS), log: openLog('test', 'silent') });
  });

  afterEach(async () => {
    await link.close();
    await server.stop();
  });

  type Answer = (
    range: { start: number; end: number; headers: Record<string, string> },
    response: ServerResponse,
  ) => void;

  /** Fetch blocks 2 to 9 from a host that answers so. */
  async function fetch(answer: Answer) {
    const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
      const range = request.headers.range!;
      asked.push(range);
      const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range)!;
      const [start, end] = [Number(first), Number(last) + 1];
      const headers = { 'content-range': `bytes ${first}-${last}/${SIZE}`, 'peerkeep-proof': proofOf(start, end) };
      answer({ start, end, headers }, response);
    };
    server = await TlsHost.start({ peerId: HOST_ID, identity, caPem: authority.caPem, answer: onRequest });
    const range = { start: 2 * BLOCK_BYTES + 5, end: 10 * BLOCK_BYTES - 5 };
    return link.getRange({ host: server.address, token: 'v3.local.x', cid: CID, sizeBytes: SIZE, ...range });
  }

  const wanted = SHARD.subarray(2 * BLOCK_BYTES + 5, 10 * BLOCK_BYTES - 5);

  function proofOf(start: number, end: number): string {
    const { blockHashes } = new ContentIdHasher().update(SHARD).finish();
    const run = { first: Math.floor(start / BLOCK_BYTES), last: Math.ceil(end / BLOCK_BYTES) - 1 };
    expect(run.last).toBeLessThan(blocksOf(SIZE));
    return proveBlockRun(blockTree(blockHashes), run).map(encodeBase64url).join(' ');
  }

  /** Some bytes, and then the connection is gone. */
  const cutOff: Answer = ({ start, headers }, response) => {
    response.writeHead(206, headers);
    response.write(SHARD.subarray(start, start + 30_000), () => response.socket?.destroySoon());
  };
  const whole: Answer = ({ start, end, headers }, response) =>
    void response.writeHead(206, headers).end(SHARD.subarray(start, end));

  it('resumes where each connection ended, and proves all of it by the proof that came first', async () => {
    const { bytes } = await fetch((range, response) => (asked.length <= 3 ? cutOff : whole)(range, response));
    expect(bytes.equals(wanted)).toBe(true);
    expect(asked).toEqual([0, 1, 2, 3].map((i) => `bytes=${2 * BLOCK_BYTES + i * 30_000}-${10 * BLOCK_BYTES - 1}`));
  });

  it('is whole when only the end of the answer is lost', async () => {
    const { bytes, receipt } = await fetch(({ start, end, headers }, response) => {
      response.writeHead(206, headers);
      response.write(SHARD.subarray(start, end), () => response.socket?.destroySoon());
    });
    expect([bytes.equals(wanted), receipt]).toEqual([true, null]);
  });

  it('is given up when a connection brings nothing', async () => {
    await expect(fetch((_range, response) => response.socket?.destroy())).rejects.toMatchObject({
      code: 'peer_unreachable',
    });
    expect(asked).toHaveLength(1);
  });

  it.each<[string, Answer, string]>([
    [
      'other bytes',
      ({ start, end, headers }, response) => {
        const bytes = Buffer.from(SHARD.subarray(start, end));
        bytes[70_000]! ^= 1;
        response.writeHead(206, headers).end(bytes);
      },
      'shard_content_mismatch',
    ],
    [
      'no proof',
      ({ start, end, headers }, response) => {
        const { 'content-range': range } = headers;
        response.writeHead(206, { 'content-range': range }).end(SHARD.subarray(start, end));
      },
      'shard_content_mismatch',
    ],
    [
      'the proof of other blocks',
      ({ start, end, headers }, response) => {
        const proof = proofOf(3 * BLOCK_BYTES, 9 * BLOCK_BYTES);
        response.writeHead(206, { ...headers, 'peerkeep-proof': proof }).end(SHARD.subarray(start, end));
      },
      'shard_content_mismatch',
    ],
    [
      'another range',
      ({ start, end, headers }, response) => {
        const range = `bytes 0-${end - start - 1}/${SIZE}`;
        response.writeHead(206, { ...headers, 'content-range': range }).end(SHARD.subarray(0, end - start));
      },
      'shard_content_mismatch',
    ],
    [
      'too many bytes',
      ({ start, end, headers }, response) => void response.writeHead(206, headers).end(SHARD.subarray(start, end + 1)),
      'shard_too_long',
    ],
    [
      'too few bytes',
      ({ start, end, headers }, response) => void response.writeHead(206, headers).end(SHARD.subarray(start, end - 1)),
      'shard_too_short',
    ],
    [
      'the whole shard',
      (_range, response) => void response.writeHead(200, {}).end(SHARD.subarray(0, 100)),
      'peer_unreachable',
    ],
  ])('with %s is refused', async (_name, answer, code) => {
    await expect(fetch(answer)).rejects.toMatchObject({ code });
    expect(asked).toHaveLength(1);
  });
});
