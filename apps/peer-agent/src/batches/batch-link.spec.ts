// Both halves of a batch, client and host, over a line that breaks: in the end each item has come once.
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PeerLink } from '#peer-link';
import { openLog } from '#process';
import { contentIdOf, type PeerAddress, type TokenClaims } from '#protocol';
import { AgentFixture, CLIENT_ID, HOST_ID } from '../../../../test/agent-fixture.js';
import { batchClaims } from '../../../../test/batch-fixture.js';
import { CuttingProxy } from '../../../../test/cutting-proxy.js';
import { HastyClock } from '../../../../test/hasty-clock.js';
import { createHome } from '../../../../test/peer-fixture.js';

const PAUSE_MS_MAX = 15_000;

let host: AgentFixture;
let line: CuttingProxy;
let link: PeerLink;
let address: PeerAddress;

beforeEach(async () => {
  host = await AgentFixture.start();
  line = await CuttingProxy.start(host.agent.port);
  const home = await createHome(host.authority, { peerId: CLIENT_ID, identity: host.client });
  link = new PeerLink({ home, clock: new HastyClock(PAUSE_MS_MAX), log: openLog('test', 'silent') });
  address = { peerId: HOST_ID, address: '127.0.0.1', port: line.port };
});

afterEach(async () => {
  await link.close();
  await line.stop();
  await host.stop();
});

const shardsOf = (...sizes: number[]): Buffer[] => sizes.map((size) => randomBytes(size));

function batchOf(op: 'put' | 'get' | 'delete', shards: readonly Uint8Array[], change: Partial<TokenClaims> = {}) {
  const claims = batchClaims(host, op, shards, change);
  return { host: address, token: host.seal(claims), items: claims.items, transactionId: claims.transactionId };
}

const put = (shards: readonly Uint8Array[]) =>
  link.putBatch({ ...batchOf('put', shards), bytesOf: async (index) => shards[index]! });

/** The content ids of what was handed on, in the order in which it came. */
async function get(shards: readonly Uint8Array[]) {
  const handed: string[] = [];
  const onItem = async (index: number, bytes: Buffer): Promise<void> => {
    expect(handed).toHaveLength(index);
    handed.push(contentIdOf(bytes));
  };
  return { ...(await link.getBatch({ ...batchOf('get', shards), onItem })), handed };
}

async function holding(): Promise<{ shards: number; usedBytes: number }> {
  const [row] = await host.read((reads) => reads.query<Record<string, number>[]>('SELECT * FROM agent_state'));
  return { shards: row!.shard_count!, usedBytes: row!.used_bytes! };
}

describe('a batch of a client', () => {
  it.each([[1], [2], [1_024]])(
    'of %i items is put, got and deleted',
    async (count) => {
      const shards = Array.from({ length: count }, (_, i) => Buffer.from(`shard ${i} of ${count}`));
      expect((await put(shards)).results).toEqual(shards.map(() => 'stored'));
      const got = await get(shards);
      expect([got.handed, got.results]).toEqual([
        shards.map((shard) => contentIdOf(shard)),
        shards.map(() => 'served'),
      ]);
      expect(got.receipt).not.toBeNull();
      expect((await link.deleteBatch(batchOf('delete', shards))).results).toEqual(shards.map(() => 'deleted'));
      expect(await holding()).toMatchObject({ shards: 0 });
    },
    120_000,
  );

  it('learns what became of each item', async () => {
    const shards = shardsOf(50_000, 60_000, 70_000);
    const sent = [shards[0]!, randomBytes(60_000), shards[2]!];
    const stored = await link.putBatch({ ...batchOf('put', shards), bytesOf: (index) => sent[index]! });
    expect(stored.results).toEqual(['stored', 'shard_content_mismatch', 'stored']);
    const handed: number[] = [];
    const got = await link.getBatch({ ...batchOf('get', shards), onItem: (index) => void handed.push(index) });
    expect([got.results, handed]).toEqual([
      ['served', 'shard_unknown', 'served'],
      [0, 2],
    ]);
    expect(got.receipt).not.toBeNull();
    const deleted = await link.deleteBatch(batchOf('delete', shards));
    expect(deleted.results).toEqual(['deleted', 'shard_unknown', 'deleted']);
  });

  it('deletes one shard, and hears until when one is kept', async () => {
    const [shard, kept] = shardsOf(10, 20);
    await host.put(shard!);
    await host.put(kept!, host.token('put', kept!, { retainUntilMs: host.clock.nowMs() + 3_600_000 }));
    const remove = (bytes: Uint8Array) => {
      const cid = contentIdOf(bytes);
      const token = host.token('delete', bytes);
      return link.deleteShard({ host: address, token, cid, sizeBytes: bytes.length });
    };
    expect((await remove(shard!)).receipt).toMatch(/^ey/);
    await expect(remove(kept!)).rejects.toMatchObject({
      code: 'shard_retained',
      facts: { retainUntil: expect.any(String) as unknown, hostId: HOST_ID },
    });
  });

  it('over a line that breaks anywhere, in either direction, moves each item once', async () => {
    let before = { shards: 0, usedBytes: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 120_000 }), { minLength: 2, maxLength: 6 }),
        fc.array(fc.double({ min: 0, max: 1.2, noNaN: true }), { maxLength: 3 }),
        fc.array(fc.double({ min: 0, max: 1.2, noNaN: true }), { maxLength: 3 }),
        async (sizes, putCuts, getCuts) => {
          const shards = shardsOf(...sizes);
          const bytes = sizes.reduce((sum, size) => sum + size, 0);
          const breakLine = async (cuts: readonly number[]): Promise<void> => {
            // A connection that is kept would not meet the first cut.
            await link.close();
            link = new PeerLink({
              home: await createHome(host.authority, { peerId: CLIENT_ID, identity: host.client }),
              clock: new HastyClock(PAUSE_MS_MAX),
              log: openLog('test', 'silent'),
            });
            line.cuts.splice(0, line.cuts.length, ...cuts.map((cut) => Math.floor(cut * (bytes + 8_000))));
          };
          await breakLine(putCuts);
          expect((await put(shards)).results).toEqual(shards.map(() => 'stored'));
          before = { shards: before.shards + shards.length, usedBytes: before.usedBytes + bytes };
          expect(await holding()).toEqual(before);
          await breakLine(getCuts);
          const got = await get(shards);
          expect([got.handed, got.results]).toEqual([
            shards.map((shard) => contentIdOf(shard)),
            shards.map(() => 'served'),
          ]);
        },
      ),
      { numRuns: 10 },
    );
    await host.agent.triggers.reports();
    const done = host.broker.reports
      .filter(({ outcome }) => outcome === 'done')
      .map((report) => JSON.stringify(report));
    expect(new Set(done).size).toBe(done.length);
  }, 180_000);

  it('sends no item again that the host has', async () => {
    // More than all sockets on the way hold.
    const shards = shardsOf(...Array.from({ length: 24 }, () => 1_000_000));
    line.cuts.push(20_000_000);
    const sent: number[] = [];
    const bytesOf = (index: number): Buffer => {
      sent.push(index);
      return shards[index]!;
    };
    const { results } = await link.putBatch({ ...batchOf('put', shards), bytesOf });
    expect(results).toEqual(shards.map(() => 'stored'));
    expect(line.connections).toBeGreaterThan(1);
    expect(sent.filter((index) => index === 0)).toEqual([0]);
  });

  it('waits for its part: nothing comes while an item is handed on', async () => {
    const shards = shardsOf(1_000_000, 1_000_000, 1_000_000);
    await put(shards);
    let busy = 0;
    let atOnceMax = 0;
    const onItem = async (): Promise<void> => {
      atOnceMax = Math.max(atOnceMax, ++busy);
      for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
      busy--;
    };
    const got = await link.getBatch({ ...batchOf('get', shards), onItem });
    expect([got.results, atOnceMax]).toEqual([['served', 'served', 'served'], 1]);
  });

  it('ends with what its own part throws, and is not tried again', async () => {
    const shards = shardsOf(100, 200);
    const broken = new Error('the disk of the client is full');
    const putting = link.putBatch({ ...batchOf('put', shards), bytesOf: () => Promise.reject(broken) });
    await expect(putting).rejects.toBe(broken);
    await put(shards);
    const getting = link.getBatch({ ...batchOf('get', shards), onItem: () => Promise.reject(broken) });
    await expect(getting).rejects.toBe(broken);
  });

  it('is tried a bounded number of times where nobody answers', async () => {
    line.cuts.push(...Array.from({ length: 100 }, () => 0));
    await expect(put(shardsOf(10, 20))).rejects.toMatchObject({ code: 'peer_unreachable' });
    expect(line.connections).toBeLessThan(20);
  });

  it('stops at the wish of the caller, between two attempts too', async () => {
    line.cuts.push(...Array.from({ length: 100 }, () => 0));
    const controller = new AbortController();
    const shards = shardsOf(10, 20);
    const putting = link.putBatch({
      ...batchOf('put', shards),
      bytesOf: (index) => shards[index]!,
      signal: controller.signal,
    });
    controller.abort();
    await expect(putting).rejects.toMatchObject({ code: 'interrupted' });
  });
});
