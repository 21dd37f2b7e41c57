// The race for k of n shards: who is asked, in what order, for how long others are waited for, and what is told of it.
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FakeClock } from '#process';
import {
  type ErrorCode,
  type ObjectId,
  type ObjectToGet,
  type PeerId,
  ProtocolError,
  type TransactionId,
  uuidV7,
} from '#protocol';
import type { BrokerPort, EngineEvent, HostsPort } from '../ports.js';
import { type CodedObject, codeObject } from '../put/code-object.js';
import { ReportOutbox } from '../put/report-outbox.js';
import { ObjectFetcher } from './object-fetcher.js';

const PATIENCE_MS = 1_500;
const CODE = { dataShards: 2, totalShards: 5 };
/** Enough to tell how fast a host is. */
const SHARD_BYTES = 256 * 1024;
const SIGNAL = new AbortController().signal;

/** How a host behaves when it is asked: at once or after a while, with a refusal, or never. */
type Behaviour = 'at once' | 'silent' | ErrorCode | { readonly afterMs: number };

/** Five hosts, shard i at host i; their time and ours is turned by hand. */
class Race implements HostsPort {
  readonly clock = new FakeClock(0);
  readonly asked: number[] = [];
  readonly events: EngineEvent[] = [];
  bytes!: Buffer;
  private coded!: CodedObject;
  private constructor(
    readonly behaviours: Behaviour[],
    readonly outbox: ReportOutbox,
  ) {
    this.isOf(SHARD_BYTES);
  }

  /** From now on the object is one whose shards have so many bytes. */
  isOf(shardBytes: number): void {
    this.bytes = Buffer.from(Array.from({ length: shardBytes * CODE.dataShards }, (_, i) => i % 251));
    this.coded = codeObject({ objectId: idOf<ObjectId>(99), kind: 'data', bytes: this.bytes, entries: [] }, CODE);
  }

  static async of(...behaviours: Behaviour[]): Promise<Race> {
    const path = join(await mkdtemp(join(tmpdir(), 'peerkeep-race-')), 'reports.jsonl');
    const outbox = await ReportOutbox.open(path, unused);
    onTestFinished(() => outbox.close());
    return new Race(behaviours, outbox);
  }

  fetcher(): ObjectFetcher {
    const { clock, outbox, events } = this;
    return new ObjectFetcher({ broker: unused, hosts: this, outbox, clock, onEvent: (event) => events.push(event) });
  }

  get object(): ObjectToGet {
    const permissions = this.coded.shards.map(({ index, cid, sizeBytes }) => ({
      index,
      cid,
      sizeBytes,
      transactionId: idOf<TransactionId>(index),
      token: 'token',
      host: { peerId: hostId(index), address: '127.0.0.1', port: 1 },
    }));
    return { objectId: idOf(99), kind: 'data', sizeBytes: this.bytes.length, ...CODE, permissions, offline: [] };
  }

  async putShard(): Promise<never> {
    throw new Error('nothing is put here');
  }

  async deleteBatch(): Promise<never> {
    throw new Error('nothing is deleted here');
  }

  async getShard({
    host,
    signal,
    into,
  }: Parameters<HostsPort['getShard']>[0]): Promise<{ bytes: Buffer; receipt: null }> {
    const index = [0, 1, 2, 3, 4].find((i) => hostId(i) === host.peerId)!;
    this.asked.push(index);
    const behaviour = this.behaviours[index]!;
    const answer = (): { bytes: Buffer; receipt: null } => {
      const bytes = into ?? Buffer.alloc(this.coded.bytes[index]!.length);
      bytes.set(this.coded.bytes[index]!);
      return { bytes, receipt: null };
    };
    if (behaviour === 'at once') return answer();
    if (typeof behaviour === 'string' && behaviour !== 'silent') throw new ProtocolError(behaviour);
    return new Promise((resolve, reject) => {
      signal?.addEventListener('abort', () => reject(new ProtocolError('interrupted')));
      if (behaviour !== 'silent') this.clock.schedule(behaviour.afterMs, () => resolve(answer()));
    });
  }
}

const unused = {} as BrokerPort;

function idOf<T extends string>(number: number): T {
  return uuidV7<T & ObjectId>(1_000, new Uint8Array(10).fill(number));
}

function hostId(index: number): PeerId {
  return idOf<PeerId>(100 + index);
}

/** Let everything run that does not wait for time. */
async function quiet(): Promise<void> {
  for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
}

describe('ObjectFetcher.fetch', () => {
  it('asks as many hosts as it needs, those of the data shards first', async () => {
    const race = await Race.of('at once', 'at once', 'at once', 'at once', 'at once');
    expect((await race.fetcher().fetch(race.object, SIGNAL)).equals(race.bytes)).toBe(true);
    expect(race.asked).toEqual([0, 1]);
  });

  it('asks one host more for each that fails, names those, and reports them', async () => {
    const race = await Race.of('peer_unreachable', 'at once', 'shard_corrupt', 'at once', 'at once');
    const fetcher = race.fetcher();
    expect((await fetcher.fetch(race.object, SIGNAL)).equals(race.bytes)).toBe(true);
    expect(race.asked).toEqual([0, 1, 2, 3]);
    expect([...fetcher.badHosts]).toEqual([
      [hostId(0), 'peer_unreachable'],
      [hostId(2), 'shard_corrupt'],
    ]);
    expect(race.events).toEqual([
      { kind: 'host-failed', peerId: hostId(0), code: 'peer_unreachable' },
      { kind: 'host-failed', peerId: hostId(2), code: 'shard_corrupt' },
    ]);
    expect(race.outbox.size).toBe(2);
  });

  it('asks hosts that failed last, the next time', async () => {
    const race = await Race.of('peer_unreachable', 'at once', 'at once', 'at once', 'at once');
    const fetcher = race.fetcher();
    await fetcher.fetch(race.object, SIGNAL);
    race.asked.length = 0;
    await fetcher.fetch(race.object, SIGNAL);
    expect(race.asked).not.toContain(0);
  });

  it('asks one host more whenever its patience ends without a shard, and no sooner', async () => {
    const race = await Race.of('silent', 'silent', 'silent', 'at once', 'at once');
    const fetched = race.fetcher().fetch(race.object, SIGNAL);
    await quiet();
    race.clock.advance(PATIENCE_MS - 1);
    await quiet();
    expect(race.asked).toEqual([0, 1]);
    race.clock.advance(1);
    await quiet();
    expect(race.asked).toEqual([0, 1, 2]);
    race.clock.advance(PATIENCE_MS);
    await quiet();
    expect(race.asked).toEqual([0, 1, 2, 3]);
    race.clock.advance(PATIENCE_MS);
    expect((await fetched).equals(race.bytes)).toBe(true);
    expect(race.asked).toEqual([0, 1, 2, 3, 4]);
  });

  it('does not prefer a host that kept it waiting, though nobody has measured it', async () => {
    const race = await Race.of('silent', 'at once', 'at once', 'at once', 'at once');
    const fetcher = race.fetcher();
    const fetched = fetcher.fetch(race.object, SIGNAL);
    await quiet();
    race.clock.advance(PATIENCE_MS);
    await fetched;
    expect(fetcher.badHosts.size).toBe(0);
    for (let object = 0; object < 3; object++) {
      race.asked.length = 0;
      await fetcher.fetch(race.object, SIGNAL);
      expect(race.asked).not.toContain(0);
    }
  });

  it('follows what hosts usually take: it waits longer where they are slow', async () => {
    const race = await Race.of({ afterMs: 1_400 }, { afterMs: 1_400 }, 'silent', 'silent', 'silent');
    const fetcher = race.fetcher();
    const first = fetcher.fetch(race.object, SIGNAL);
    await quiet();
    race.clock.advance(1_400);
    await first;
    race.asked.length = 0;
    race.behaviours.splice(0, 5, 'silent', 'silent', 'silent', 'silent', 'silent');
    const stop = new AbortController();
    const again = fetcher.fetch(race.object, stop.signal).catch((error: unknown) => error);
    await quiet();
    race.clock.advance(3 * 1_400 - 1);
    await quiet();
    expect(race.asked).toHaveLength(2);
    race.clock.advance(1);
    await quiet();
    expect(race.asked).toHaveLength(3);
    stop.abort();
    await again;
  });

  it('takes the way of a small shard for no measure of a large one', async () => {
    const race = await Race.of({ afterMs: 1_400 }, { afterMs: 1_400 }, 'silent', 'silent', 'silent');
    race.isOf(64);
    const fetcher = race.fetcher();
    const first = fetcher.fetch(race.object, SIGNAL);
    await quiet();
    race.clock.advance(1_400);
    await first;
    race.isOf(SHARD_BYTES);
    race.asked.length = 0;
    const stop = new AbortController();
    const again = fetcher.fetch(race.object, stop.signal).catch((error: unknown) => error);
    await quiet();
    race.clock.advance(PATIENCE_MS);
    await quiet();
    expect(race.asked).toHaveLength(3);
    stop.abort();
    await again;
  });

  it('prefers hosts that were fast', async () => {
    const race = await Race.of({ afterMs: 900 }, { afterMs: 100 }, 'at once', 'peer_unreachable', 'peer_unreachable');
    const fetcher = race.fetcher();
    const fetched = fetcher.fetch(race.object, SIGNAL);
    await quiet();
    race.clock.advance(100);
    await quiet();
    race.clock.advance(800);
    await fetched;
    race.asked.length = 0;
    const again = fetcher.fetch(race.object, SIGNAL);
    await quiet();
    race.clock.advance(900);
    await again;
    // 2, 3 and 4 are not known yet; of the known ones 1 is faster than 0.
    expect(race.asked).toEqual([2, 3, 4, 1]);
  });

  it('is refused with object_unavailable when too few hosts have their shard, and says how many', async () => {
    const race = await Race.of('at once', 'shard_unknown', 'shard_corrupt', 'peer_unreachable', 'host_busy');
    await expect(race.fetcher().fetch(race.object, SIGNAL)).rejects.toMatchObject({
      code: 'object_unavailable',
      facts: { present: 1, needed: 2 },
    });
    expect(race.asked).toEqual([0, 1, 2, 3, 4]);
  });

  it('ends at once when the person stops it, blaming no host', async () => {
    const race = await Race.of('silent', 'silent', 'silent', 'silent', 'silent');
    const stop = new AbortController();
    const fetcher = race.fetcher();
    const fetched = fetcher.fetch(race.object, stop.signal);
    await quiet();
    stop.abort();
    await expect(fetched).rejects.toMatchObject({ code: 'interrupted' });
    expect(fetcher.badHosts.size).toBe(0);
    expect(race.outbox.size).toBe(0);
  });

  it('brings the next object into the memory that was given back, and into no other', async () => {
    const race = await Race.of('at once', 'at once', 'at once', 'at once', 'at once');
    race.isOf(2 * 1024 * 1024);
    const fetcher = race.fetcher();
    const first = await fetcher.fetch(race.object, SIGNAL);
    const second = await fetcher.fetch(race.object, SIGNAL);
    expect(second.buffer).not.toBe(first.buffer);
    fetcher.giveBack(first.fill(0));
    const third = await fetcher.fetch(race.object, SIGNAL);
    expect(third.buffer).toBe(first.buffer);
    expect([second.equals(race.bytes), third.equals(race.bytes)]).toEqual([true, true]);
  });

  it('takes no memory for an object whose sizes do not fit together', async () => {
    const race = await Race.of('at once', 'at once', 'at once', 'at once', 'at once');
    const forged = { ...race.object, sizeBytes: 1_000_000 };
    await expect(race.fetcher().fetch(forged, SIGNAL)).rejects.toMatchObject({ code: 'answer_untrusted' });
    expect(race.asked).toEqual([]);
  });
});
