// Deletions that are cut off, or meet hosts that are away: nothing is lost of what the next one has to do.
import { describe, expect, it } from 'vitest';
import { type ErrorCode, type ObjectId, type PeerId, ProtocolError, type TransactionId, uuidV7 } from '#protocol';
import type { BrokerPort, EngineEvent, HostsPort } from '../ports.js';
import { ObjectDeleter } from './object-deleter.js';

const HOSTS = 3;
const signal = new AbortController().signal;
const numbered = <T extends string>(number: number): T => uuidV7<T & ObjectId>(1_000, new Uint8Array(10).fill(number));
const hostId = (host: number): PeerId => numbered<PeerId>(100 + host);

/** Objects of one shard at each of three hosts; a broker that forgets a shard when a receipt or a host says so. */
class Network {
  /** Which hosts have a shard of it still. */
  readonly shards = new Map<ObjectId, Set<number>>();
  readonly listed = new Set<ObjectId>();
  readonly retained = new Map<ObjectId, string>();
  readonly away = new Set<number>();
  /** What a host refuses a whole batch with, or answers for its items. */
  readonly refusals = new Map<number, ErrorCode>();
  readonly itemResults = new Map<number, string>();
  objectsPerRequestMax = 100;
  readonly requests: ObjectId[][] = [];
  readonly events: EngineEvent[] = [];
  readonly reports: unknown[] = [];
  /** Thrown instead of the step with this number: ask, each host, keep the reports. */
  crashAt = Number.POSITIVE_INFINITY;
  private steps = 0;
  private transactions = 0;
  private readonly batches = new Map<TransactionId, { host: number; objectIds: ObjectId[] }>();

  add(number: number): ObjectId {
    const objectId = numbered<ObjectId>(number);
    this.shards.set(objectId, new Set(Array.from({ length: HOSTS }, (_, host) => host)));
    this.listed.add(objectId);
    return objectId;
  }

  deleter(): ObjectDeleter {
    const broker = { beginDelete: this.beginDelete, listObjects: this.listObjects };
    const outbox = {
      add: async (reports: readonly unknown[]) => {
        this.step();
        this.reports.push(...reports);
      },
    };
    const hosts = { deleteBatch: this.deleteBatch };
    return new ObjectDeleter({ broker, hosts, outbox, nowMs: () => 0, onEvent: (event) => this.events.push(event) });
  }

  step(): void {
    if (this.steps++ >= this.crashAt) throw new Error('crash');
  }

  readonly beginDelete: BrokerPort['beginDelete'] = async ({ objectIds }) => {
    this.step();
    if (objectIds.length > this.objectsPerRequestMax) throw new ProtocolError('request_too_large');
    this.requests.push([...objectIds]);
    const kept = objectIds.filter((objectId) => this.retained.has(objectId));
    const wanted = objectIds.filter((objectId) => !this.retained.has(objectId));
    for (const objectId of wanted) this.listed.delete(objectId);
    const places = wanted.flatMap((objectId) =>
      [...(this.shards.get(objectId) ?? [])].map((host) => ({ objectId, host })),
    );
    const hosts = [...new Set(places.map(({ host }) => host))].filter((host) => !this.away.has(host));
    return {
      batches: hosts.map((host) => {
        const transactionId = numbered<TransactionId>(this.transactions++);
        const ids = places.filter((place) => place.host === host).map(({ objectId }) => objectId);
        this.batches.set(transactionId, { host, objectIds: ids });
        const items = ids.map((objectId) => ({
          objectId,
          index: host,
          cid: `cid of ${objectId}` as never,
          sizeBytes: 1,
        }));
        const address = { peerId: hostId(host), address: '127.0.0.1', port: 1 };
        return { transactionId, token: 'token', host: address, expiresAt: '2026-11-21T00:00:00.000Z', items };
      }),
      offline: places
        .filter(({ host }) => this.away.has(host))
        .map(({ objectId, host }) => ({ objectId, index: host, peerId: hostId(host) })),
      retained: kept.flatMap((objectId) => [
        { objectId, index: 0, until: '2026-01-01T00:00:00.000Z' },
        { objectId, index: 1, until: this.retained.get(objectId)! },
      ]),
    };
  };

  /** Two a page, so that there are pages. */
  readonly listObjects: BrokerPort['listObjects'] = async ({ state, after } = {}) => {
    expect(state).toBe('deleted');
    const all = [...this.shards.keys()].filter((objectId) => !this.listed.has(objectId)).sort();
    const from = all.filter((objectId) => after === undefined || objectId > after);
    const objects = from.slice(0, 2).map((objectId) => ({ objectId })) as Awaited<
      ReturnType<BrokerPort['listObjects']>
    >['objects'];
    return { objects, next: from.length > 2 ? objects[1]!.objectId : null };
  };

  readonly deleteBatch: HostsPort['deleteBatch'] = async ({ transactionId, items }) => {
    this.step();
    const { host, objectIds } = this.batches.get(transactionId!)!;
    const refusal = this.refusals.get(host);
    if (refusal !== undefined) throw new ProtocolError(refusal);
    const result = (this.itemResults.get(host) ?? 'deleted') as 'deleted';
    if (result === 'deleted' || (result as string) === 'shard_unknown') {
      for (const objectId of objectIds) {
        const left = this.shards.get(objectId)!;
        left.delete(host);
        if (left.size === 0) this.shards.delete(objectId);
      }
    }
    return { receipt: `receipt of ${host}`, results: items.map(() => result) };
  };
}

describe('ObjectDeleter', () => {
  it('asks each host once, and keeps its receipt', async () => {
    const network = new Network();
    const ids = [network.add(1), network.add(2)];
    expect(await network.deleter().delete([...ids, ids[0]!], signal)).toEqual({
      deleted: ids,
      retained: [],
      pending: [],
    });
    expect(network.shards.size).toBe(0);
    expect(network.reports).toHaveLength(HOSTS);
    expect(network.reports).toContainEqual(expect.objectContaining({ outcome: 'done', receipt: 'receipt of 0' }));
  });

  it('asks for fewer objects at once where the broker says so', async () => {
    const network = new Network();
    network.objectsPerRequestMax = 2;
    const ids = [1, 2, 3, 4, 5].map((number) => network.add(number));
    expect((await network.deleter().delete(ids, signal)).deleted).toEqual(ids);
    expect(network.requests.every(({ length }) => length <= 2)).toBe(true);
    network.objectsPerRequestMax = 0;
    await expect(network.deleter().delete([network.add(6)], signal)).rejects.toMatchObject({
      code: 'request_too_large',
    });
  });

  it('leaves what is retained, and says until when, by the latest of its shards', async () => {
    const network = new Network();
    const [kept, gone] = [network.add(1), network.add(2)];
    network.retained.set(kept, '2027-01-01T00:00:00.000Z');
    expect(await network.deleter().delete([kept, gone], signal)).toEqual({
      deleted: [gone],
      retained: [{ objectId: kept, until: '2027-01-01T00:00:00.000Z' }],
      pending: [],
    });
    expect(network.listed).toEqual(new Set([kept]));
  });

  it.each<[string, (network: Network) => void]>([
    ['is away', (network) => network.away.add(1)],
    ['does not answer', (network) => network.refusals.set(1, 'peer_unreachable')],
    ['keeps a shard by its own clock', (network) => network.itemResults.set(1, 'shard_retained')],
  ])('says what is pending where a host %s, and completes it the next time', async (_what, fail) => {
    const network = new Network();
    const ids = [1, 2, 3].map((number) => network.add(number));
    fail(network);
    expect(await network.deleter().delete(ids, signal)).toEqual({ deleted: [], retained: [], pending: ids });
    expect([network.listed.size, network.shards.size]).toEqual([0, 3]);

    network.away.clear();
    network.refusals.clear();
    network.itemResults.clear();
    const other = network.add(4);
    expect(await network.deleter().delete([other], signal)).toEqual({ deleted: [other], retained: [], pending: [] });
    expect(network.shards.size).toBe(0);
  });

  it('takes a host that never had a shard for one that has it no more', async () => {
    const network = new Network();
    const id = network.add(1);
    network.itemResults.set(0, 'shard_unknown');
    expect((await network.deleter().delete([id], signal)).deleted).toEqual([id]);
  });

  it('takes the refusal of a host that is asked about one shard for the answer about it', async () => {
    const network = new Network();
    const id = network.add(1);
    network.refusals.set(0, 'shard_unknown');
    expect(await network.deleter().delete([id], signal)).toEqual({ deleted: [id], retained: [], pending: [] });
    expect(network.events).toEqual([]);
    expect(network.reports).toContainEqual(expect.objectContaining({ outcome: 'failed', code: 'shard_unknown' }));
    // About several it says nothing of any one of them.
    const several = [network.add(2), network.add(3)];
    expect(await network.deleter().delete(several, signal)).toMatchObject({ deleted: [], pending: several });
  });

  it('tells of a host that failed, and reports it', async () => {
    const network = new Network();
    network.refusals.set(2, 'peer_unreachable');
    await network.deleter().delete([network.add(1)], signal);
    expect(network.events).toEqual([{ kind: 'host-failed', peerId: hostId(2), code: 'peer_unreachable' }]);
    expect(network.reports).toContainEqual(expect.objectContaining({ outcome: 'failed', code: 'peer_unreachable' }));
  });

  it('is completed by the next deletion, wherever the one before was cut off', async () => {
    for (let crashAt = 0; ; crashAt++) {
      const network = new Network();
      network.objectsPerRequestMax = 2;
      const ids = [1, 2, 3].map((number) => network.add(number));
      network.crashAt = crashAt;
      const crashed = await network
        .deleter()
        .delete(ids, signal)
        .then(
          () => false,
          () => true,
        );
      network.crashAt = Number.POSITIVE_INFINITY;
      // What was not asked for yet is listed still, so whoever wants it gone asks again.
      await network.deleter().delete([...network.listed], signal);
      expect([crashAt, network.shards.size, network.listed.size]).toEqual([crashAt, 0, 0]);
      if (!crashed) break;
    }
  });

  it('stops when it is told to, and blames no host for that', async () => {
    const network = new Network();
    const stop = new AbortController();
    const [first] = [network.add(1)];
    for (let host = 0; host < HOSTS; host++) network.refusals.set(host, 'interrupted');
    stop.abort();
    await expect(network.deleter().delete([first], stop.signal)).rejects.toMatchObject({ code: 'interrupted' });
    expect(network.events).toEqual([]);
    expect(network.reports).toEqual([]);
  });
});
