// Tokens of recovery kits at a host, over real mutual TLS: what they permit, and that no start without broker ends them (B5, B6, B16).
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ShardShelf, shelfFolderOf } from '#peer-link';
import { openLog } from '#process';
import {
  contentIdOf,
  decodeReceipt,
  es256Verifier,
  OFFLINE_TOKEN_LIFE_MS_MAX,
  type TokenClaims,
  TransactionKey,
} from '#protocol';
import { AgentFixture, CLIENT_ID, codeOf, pathOf } from '../../../../test/agent-fixture.js';

const SHARDS = [randomBytes(50_000), randomBytes(60_000)];
const OTHER = randomBytes(10_000);
const DAY_MS = 86_400_000;

let host: AgentFixture;
beforeEach(async () => {
  host = await AgentFixture.start();
  for (const shard of [...SHARDS, OTHER]) expect((await host.put(shard)).status).toBe(201);
});
afterEach(() => host.stop());

const offlineToken = (change: Partial<TokenClaims> = {}): string =>
  host.token('offline', SHARDS[0]!, {
    items: SHARDS.map((shard) => ({ cid: contentIdOf(shard), sizeBytes: shard.length })),
    maxBytes: 1_000_000,
    maxUses: 20,
    expiresAtMs: host.clock.nowMs() + 30 * DAY_MS,
    ...change,
  });
const verdict = async (token: string, shard = SHARDS[0]!): Promise<unknown> => {
  const answer = await host.get(shard, token);
  if (answer.status === 200) return answer.body.equals(shard) ? 'served' : 'other bytes';
  return codeOf(answer);
};
/** The same host, started anew, with nobody to ask. */
async function restartAlone(end: 'stop' | 'kill'): Promise<void> {
  host.broker.isDown = true;
  await host.agent[end]();
  await host.restart();
}

describe('an offline token', () => {
  it('gets each of its shards, again and again, each time with a receipt of its own that is reported', async () => {
    const token = offlineToken();
    const uses: (number | undefined)[] = [];
    for (const shard of [SHARDS[1]!, SHARDS[0]!, SHARDS[1]!]) {
      const answer = await host.get(shard, token);
      expect(answer.body.equals(shard)).toBe(true);
      const verify = es256Verifier(host.home.certificate().pem);
      const receipt = decodeReceipt(answer.trailers['peerkeep-receipt'] ?? '', verify);
      expect(receipt).toMatchObject({ op: 'get', clientId: CLIENT_ID });
      expect(receipt.items).toMatchObject([{ cid: contentIdOf(shard), sizeBytes: shard.length }]);
      uses.push(receipt.use);
    }
    expect(uses).toEqual([1, 2, 3]);
    await host.agent.triggers.reports();
    expect(host.broker.reports.filter(({ outcome }) => outcome === 'done')).toHaveLength(3 + 3);
  });

  it('gets the one of its shards that was asked for, hosted here or on the shelf', async () => {
    const shelved = randomBytes(40_000);
    const shelf = new ShardShelf({
      folder: shelfFolderOf(host.home.path),
      clock: host.clock,
      log: openLog('test', 'silent'),
    });
    shelf.keep(contentIdOf(shelved), shelved);
    await shelf.settle();
    const items = [shelved, SHARDS[0]!].map((shard) => ({ cid: contentIdOf(shard), sizeBytes: shard.length }));
    const token = offlineToken({ items });
    for (const shard of [SHARDS[0]!, shelved]) expect(await verdict(token, shard)).toBe('served');
    const turned = offlineToken({ items: items.toReversed() });
    for (const shard of [SHARDS[0]!, shelved]) expect(await verdict(turned, shard)).toBe('served');
  });

  it('is for nothing else: no other shard, no range, no put, no deletion, no batch', async () => {
    const token = offlineToken();
    expect(await verdict(token, OTHER)).toBe('token_wrong_content');
    const path = pathOf(contentIdOf(SHARDS[0]!));
    expect(codeOf(await host.send({ path, token, headers: { range: 'bytes=0-9' } }))).toBe('token_wrong_op');
    expect(codeOf(await host.put(SHARDS[0]!, token))).toBe('token_wrong_op');
    expect(codeOf(await host.send({ method: 'DELETE', path, token }))).toBe('token_wrong_op');
    expect(await verdict(token)).toBe('served');
  });

  it('ends with its uses, with its bytes and with its time', async () => {
    const once = offlineToken({ maxUses: 1 });
    expect([await verdict(once), await verdict(once)]).toEqual(['served', 'token_budget_spent']);
    expect(await verdict(offlineToken({ maxBytes: SHARDS[0]!.length - 1 }))).toBe('token_budget_spent');
    const old = offlineToken({ issuedAtMs: 0, notBeforeMs: 0, expiresAtMs: OFFLINE_TOKEN_LIFE_MS_MAX });
    expect(await verdict(old)).toBe('token_expired');
  });

  it('is taken after a start without the broker, of either kind, when every other token has to wait', async () => {
    const [unused, neverShown] = [offlineToken(), offlineToken()];
    const twice = offlineToken({ maxUses: 2 });
    const [get, stream] = [host.token('get', OTHER), host.token('stream', OTHER, { maxBytes: 100_000 })];
    expect(await verdict(twice)).toBe('served');

    await restartAlone('stop');
    expect(await verdict(get, OTHER)).toBe('host_unconfirmed');
    expect(await verdict(unused)).toBe('served');

    await restartAlone('kill');
    expect(await verdict(get, OTHER)).toBe('token_predates_restart');
    const path = pathOf(contentIdOf(OTHER));
    expect(codeOf(await host.send({ path, token: stream, headers: { range: 'bytes=0-9' } }))).toBe(
      'token_predates_restart',
    );
    expect(await verdict(neverShown)).toBe('served');
    // What was used before counts still.
    expect([await verdict(twice), await verdict(twice)]).toEqual(['served', 'token_budget_spent']);
  });

  it('is refused once the broker said that its client is shut out, also by a host that starts without it', async () => {
    const token = offlineToken();
    host.broker.withdrawn = { clients: [CLIENT_ID], issuedBefore: null };
    await host.agent.triggers.presence();
    expect(await verdict(token)).toBe('token_client_revoked');
    await restartAlone('kill');
    expect(await verdict(token)).toBe('token_client_revoked');
  });

  it('outlives the key of its host by its own life, when other tokens of that key have ended', async () => {
    const token = offlineToken();
    const get = host.claims('get', OTHER);
    const nowMs = host.clock.nowMs();
    expect(await host.home.saveTransactionKey(new TransactionKey(randomBytes(32)), nowMs - 60_000, nowMs)).toBe(true);
    expect(await verdict(token)).toBe('served');
    expect(await verdict(host.seal(get), OTHER)).toBe('token_invalid');
    const kept = host.home.transactionKeys().offline;
    expect(kept).toHaveLength(1);
    expect(kept[0]!.untilMs - nowMs).toBeGreaterThanOrEqual(OFFLINE_TOKEN_LIFE_MS_MAX);
  });
});
