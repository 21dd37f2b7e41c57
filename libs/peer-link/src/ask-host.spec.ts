// The broker's questions to a real host (B8), and to one that lies about what it holds.
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '#process';
import { BLOCK_BYTES, blockTree, ContentIdHasher, contentIdOf, encodeBase64url, proveBlockRun } from '#protocol';
import { AgentFixture, HOST_ID, SHARE_BYTES } from '../../../test/agent-fixture.js';
import { TestAuthority, type TestIdentity } from '../../../test/authority.js';
import { corruptShard } from '../../../test/corrupt-shard.js';
import { FIXTURE_TIME_MS, peerIdOf } from '../../../test/peer-fixture.js';
import { TlsHost } from '../../../test/tls-host.js';
import { auditHost, probeHost } from './ask-host.js';
import type { LinkIdentity } from './host-connections.js';

const SHARD = randomBytes(9 * BLOCK_BYTES + 10);
const CID = contentIdOf(SHARD);

function identityOf(authority: TestAuthority, own: TestIdentity): LinkIdentity {
  return { caPem: authority.caPem, trustDomain: authority.trustDomain, own: () => own };
}

describe('a real host', () => {
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

  const ask = (token: string, own = broker) => ({
    identity: identityOf(host.authority, own),
    clock: host.clock,
    host: { peerId: HOST_ID, address: '127.0.0.1', port: host.agent.port },
    token,
  });
  const audit = (blocks: number[], cid = CID) => {
    const token = host.token('audit', SHARD, { clientId: 'broker' });
    return auditHost({ ...ask(token), cid, sizeBytes: SHARD.length, blocks });
  };

  it('answers a probe', async () => {
    const token = host.token('probe', SHARD, { clientId: 'broker', items: [] });
    const answer = await probeHost(ask(token));
    expect(answer).toMatchObject({ shards: 1, usedBytes: SHARD.length, freeBytes: SHARE_BYTES - SHARD.length });
    await expect(probeHost(ask(token))).rejects.toMatchObject({ code: 'token_burned' });
  });

  it('shows the blocks of an audit, and cannot when they have rotted', async () => {
    await audit([0, 4, 9]);
    await corruptShard(host.home.path, CID, 4 * BLOCK_BYTES);
    await audit([0, 9]);
    await expect(audit([0, 4, 9])).rejects.toMatchObject({ code: 'shard_corrupt' });
  });

  it('is asked as what it is: another peer there is not trusted, and nobody there is not reached', async () => {
    const asked = ask('v3.local.x');
    await expect(probeHost({ ...asked, host: { ...asked.host, peerId: peerIdOf(9) } })).rejects.toMatchObject({
      code: 'peer_untrusted',
    });
    await expect(probeHost({ ...asked, host: { ...asked.host, port: 1 } })).rejects.toMatchObject({
      code: 'peer_unreachable',
    });
    await expect(probeHost({ ...asked, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'interrupted' });
  });
});

describe('a lying host', () => {
  const { blockHashes } = new ContentIdHasher().update(SHARD).finish();
  const show = (block: number) => ({
    block,
    data: encodeBase64url(SHARD.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES)),
    path: proveBlockRun(blockTree(blockHashes), { first: block, last: block }).map(encodeBase64url),
  });

  it.each([
    ['all of them', [show(2), show(5)], null],
    ['fewer', [show(2)], 'shard_content_mismatch'],
    ['none', [], 'shard_content_mismatch'],
    ['others', [show(2), show(6)], 'shard_content_mismatch'],
    ['one under the number of another', [show(2), { ...show(6), block: 5 }], 'shard_content_mismatch'],
    ['with the path of another', [show(2), { ...show(5), path: show(6).path }], 'shard_content_mismatch'],
    ['with a shorter path', [show(2), { ...show(5), path: show(5).path.slice(1) }], 'shard_content_mismatch'],
    ['no answer of this kind', null, 'peer_unreachable'],
  ])('that shows %s', async (_name, blocks, code) => {
    const authority = await TestAuthority.create();
    const answer = (_request: IncomingMessage, response: ServerResponse): void =>
      void response.writeHead(200).end(JSON.stringify({ blocks }));
    const server = await TlsHost.start({
      peerId: HOST_ID,
      identity: await authority.issue(HOST_ID),
      caPem: authority.caPem,
      answer,
    });
    const asked = auditHost({
      identity: identityOf(authority, await authority.issue('broker')),
      clock: new FakeClock(FIXTURE_TIME_MS),
      host: server.address,
      token: 'v3.local.x',
      cid: CID,
      sizeBytes: SHARD.length,
      blocks: [2, 5],
    });
    if (code === null) await asked;
    else await expect(asked).rejects.toMatchObject({ code });
    await server.stop();
  });
});
