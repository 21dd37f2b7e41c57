// What the broker asks of a host over its own certificate (B8, B18): a probe and audits; and that it may do nothing else.
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  AUDIT_BLOCKS_MAX,
  auditAnswer,
  BLOCK_BYTES,
  blocksOf,
  contentIdOf,
  decodeBase64url,
  probeAnswer,
  type TokenClaims,
  type TokenOp,
  verifyBlockPath,
} from '#protocol';
import { AgentFixture, codeOf, pathOf, type RawAnswer, SHARE_BYTES } from '../../../../test/agent-fixture.js';
import type { TestIdentity } from '../../../../test/authority.js';
import { corruptShard } from '../../../../test/corrupt-shard.js';
import { PRESENCE_MS_MIN } from '../limits.js';

const SHARD = randomBytes(20 * BLOCK_BYTES + 1_234);
const CID = contentIdOf(SHARD);
const BLOCKS = blocksOf(SHARD.length);

let host: AgentFixture;
let broker: TestIdentity;

beforeEach(async () => {
  host = await AgentFixture.start();
  broker = await host.authority.issue('broker');
  await host.put(SHARD);
});

afterEach(async () => {
  await host.stop();
});

const tokenOf = (op: TokenOp, change: Partial<TokenClaims> = {}) =>
  host.token(op, SHARD, { clientId: 'broker', ...(op === 'probe' ? { items: [] } : {}), ...change });

const probe = (token = tokenOf('probe'), identity = broker): Promise<RawAnswer> =>
  host.send({ path: '/probe', token, identity });

function audit(blocks: unknown, token = tokenOf('audit'), identity = broker): Promise<RawAnswer> {
  const body = Buffer.from(typeof blocks === 'string' ? blocks : JSON.stringify({ blocks }));
  return host.send({ method: 'POST', path: `/audits/${CID}`, token, identity, body });
}

async function reports(): Promise<unknown[]> {
  await host.agent.triggers.reports();
  return host.broker.reports;
}

describe('a probe', () => {
  it('says what the host is and has, once for a token, and needs no receipt', async () => {
    const token = tokenOf('probe');
    const answer = await probe(token);
    expect(answer.status).toBe(200);
    expect(probeAnswer.parse(JSON.parse(answer.body.toString()))).toMatchObject({
      program: expect.stringMatching(/^peerkeep-agent\//),
      usedBytes: SHARD.length,
      freeBytes: SHARE_BYTES - SHARD.length,
      shards: 1,
    });
    expect(codeOf(await probe(token))).toBe('token_burned');
    await host.agent.stop();
    await host.restart();
    expect(codeOf(await probe(token))).toBe('token_burned');
    expect(await reports()).toMatchObject([{ outcome: 'done' }]);
  });

  it('makes the host announce itself at once, at most once a second; one that is refused does not', async () => {
    const { presences } = host.broker;
    const before = presences.length;
    const said = (times: number) =>
      vi.waitFor(() => expect(presences).toHaveLength(before + times), { timeout: 20_000 });
    const used = tokenOf('probe');
    await probe(used);
    await said(1);
    expect(codeOf(await probe(used))).toBe('token_burned');
    expect(codeOf(await probe(tokenOf('probe'), host.client))).toBe('token_wrong_client');
    host.clock.advance(PRESENCE_MS_MIN);
    // By hand: had a refused probe asked, it would have joined that one or made another.
    await host.agent.triggers.presence();
    await said(2);
    await probe();
    await said(3);
    for (let i = 0; i < 3; i++) await probe();
    host.clock.advance(PRESENCE_MS_MIN - 1);
    await host.agent.triggers.reports();
    await said(3);
    host.clock.advance(1);
    await said(4);
  });

  it('is for the broker alone: nobody else has its certificate, nor its tokens', async () => {
    expect(codeOf(await probe(tokenOf('probe'), host.client))).toBe('token_wrong_client');
    expect(codeOf(await probe(host.token('get', SHARD), host.client))).toBe('token_wrong_op');
  });
});

describe('the broker', () => {
  it('may not get, put or stream, whatever token of a peer it shows', async () => {
    const asBroker = (op: TokenOp, request: { method?: string; headers?: Record<string, string>; body?: Buffer }) => {
      const max = op === 'stream' ? { maxBytes: 1_000 } : {};
      return host.send({ path: pathOf(CID), token: host.token(op, SHARD, max), identity: broker, ...request });
    };
    expect(codeOf(await asBroker('get', {}))).toBe('token_wrong_client');
    expect(codeOf(await asBroker('put', { method: 'PUT', body: SHARD }))).toBe('token_wrong_client');
    expect(codeOf(await asBroker('stream', { headers: { range: 'bytes=0-1' } }))).toBe('token_wrong_client');
    expect(codeOf(await host.send({ path: pathOf(CID), token: tokenOf('audit'), identity: broker }))).toBe(
      'token_wrong_op',
    );
    // Its refusals are its own to know: nobody is accused of them.
    expect(await reports()).toMatchObject([{ outcome: 'done' }]);
  });

  it('of another trust domain is nobody', async () => {
    const other = await host.authority.issueNames([{ type: 'url', value: 'spiffe://other.example/broker' }]);
    await expect(probe(tokenOf('probe'), other)).rejects.toThrow();
  });
});

describe('an audit', () => {
  it('shows the blocks that were asked for, each with the path that proves it', async () => {
    const asked = [0, 1, 7, 8, BLOCKS - 2, BLOCKS - 1];
    const answer = await audit(asked);
    expect(answer.status).toBe(200);
    const { blocks } = auditAnswer.parse(JSON.parse(answer.body.toString()));
    expect(blocks.map(({ block }) => block)).toEqual(asked);
    for (const { block, data, path } of blocks) {
      const evidence = { data: decodeBase64url(data)!, path: path.map((node) => decodeBase64url(node)!) };
      expect(verifyBlockPath({ cid: CID, sizeBytes: SHARD.length, block, ...evidence })).toBe(true);
      expect(verifyBlockPath({ cid: CID, sizeBytes: SHARD.length, block: block ^ 1, ...evidence })).toBe(false);
    }
    expect(await reports()).toHaveLength(1);
  });

  it('is answered once for a token', async () => {
    const token = tokenOf('audit');
    await audit([0], token);
    expect(codeOf(await audit([0], token))).toBe('token_burned');
  });

  it('of a block that has rotted is refused, of the good ones beside it is not', async () => {
    await corruptShard(host.home.path, CID, 5 * BLOCK_BYTES + 3);
    expect((await audit([4, 6])).status).toBe(200);
    const answer = await audit([4, 5, 6]);
    expect([answer.status, codeOf(answer)]).toEqual([422, 'shard_corrupt']);
  });

  it('of a shard whose stored hashes have rotted is refused', async () => {
    await corruptShard(host.home.path, CID, SHARD.length + 40);
    expect(codeOf(await audit([0]))).toBe('shard_corrupt');
  });

  it.each([
    ['no JSON', 'blocks'],
    ['no blocks', []],
    ['too many', Array.from({ length: AUDIT_BLOCKS_MAX + 1 }, (_, i) => i)],
    ['a block twice', [1, 1]],
    ['blocks in another order', [2, 1]],
    ['a block that the shard does not have', [BLOCKS]],
    ['a negative block', [-1]],
    ['half a block', [0.5]],
  ])('for %s is refused, and its token stays good', async (_name, blocks) => {
    const token = tokenOf('audit');
    expect(codeOf(await audit(blocks, token))).toBe('request_invalid');
    expect((await audit([0], token)).status).toBe(200);
  });

  it('with a body that is too long is refused', async () => {
    expect(codeOf(await audit(' '.repeat(5_000)))).toBe('request_too_large');
  });

  it('is for the shard of its token, on its host', async () => {
    const other = randomBytes(10);
    const items = [{ cid: contentIdOf(other), sizeBytes: other.length }];
    expect(codeOf(await audit([0], tokenOf('audit', { items })))).toBe('token_wrong_content');
    expect(codeOf(await audit([0], tokenOf('audit', { items: [{ cid: CID, sizeBytes: 5 }] })))).toBe('shard_unknown');
    expect(codeOf(await audit([0], tokenOf('audit'), host.client))).toBe('token_wrong_client');
  });
});
