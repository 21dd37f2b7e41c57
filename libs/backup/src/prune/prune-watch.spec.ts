// The guard of a long backup: it looks while the run goes on, and keeps what the run has stored from being marked.
import { describe, expect, it } from 'vitest';
import { FakeClock } from '#process';
import type { ObjectId, PeerId } from '#protocol';
import { NoticeReader, publishNotice } from './notices.js';
import { LOOK_INTERVAL_MS } from './prune-limits.js';
import { PruneWatch } from './prune-watch.js';
import { Seeded } from './testing/seeded.js';
import { atOnce, SimulatedBroker, SimulatedMachine } from './testing/simulated-broker.js';

const HOUR_MS = 3_600_000;
const machineId = '01900000-0000-7000-8000-000000000001' as PeerId;
const signal = new AbortController().signal;

function begin() {
  const broker = new SimulatedBroker(new Seeded(1), 1_795_000_000_000);
  const store = new SimulatedMachine(broker, 0, { unreachable: 0 }, {}, atOnce);
  const clock = new FakeClock(0);
  const events: string[] = [];
  const watch = new PruneWatch({ store, machineId, clock, onEvent: (event) => events.push(event.kind) });
  const pass = async (ms: number): Promise<void> => {
    broker.nowMs += ms;
    clock.advance(ms);
    await new Promise((resolve) => setImmediate(resolve));
  };
  const holds = async () => (await new NoticeReader(store).read(signal)).holds;
  const mark = async (graceMs: number, ...objects: ObjectId[]): Promise<void> => {
    await publishNotice(store, { notice: 'mark', machineId, graceMs, objects }, signal);
  };
  const stored = async (): Promise<ObjectId> => {
    const { objectId } = await store.store('data', [Buffer.from('some text')]);
    await store.settle();
    return objectId;
  };
  return { broker, store, watch, pass, holds, mark, stored };
}

describe('PruneWatch', () => {
  it('publishes nothing for a short run', async () => {
    const { watch, pass, holds } = begin();
    await watch.begin(signal);
    await pass(LOOK_INTERVAL_MS - 1);
    await watch.beforeSnapshot(signal);
    expect(await holds()).toEqual([]);
  });

  it('holds everything that was stored since the run began from its first look on, once', async () => {
    const { broker, watch, pass, holds } = begin();
    const startedMs = broker.nowMs;
    await watch.begin(signal);
    await pass(LOOK_INTERVAL_MS);
    await pass(LOOK_INTERVAL_MS);
    expect(await holds()).toMatchObject([{ machineId, sinceMs: startedMs }]);
    await watch.close();
  });

  it('looks no more once it is closed', async () => {
    const { watch, pass, holds } = begin();
    await watch.begin(signal);
    await watch.close();
    await pass(2 * LOOK_INTERVAL_MS);
    expect(await holds()).toEqual([]);
  });

  it('holds what was marked since the run began, and takes the hold away with the last look', async () => {
    const { store, watch, holds, mark, stored, pass } = begin();
    const objectId = await stored();
    expect(await watch.begin(signal)).toEqual(new Set());
    watch.relyOn(objectId);
    await mark(HOUR_MS, objectId);
    await watch.beforeSnapshot(signal);
    expect((await holds()).map(({ objects }) => [...objects])).toEqual([[objectId]]);
    await pass(2 * HOUR_MS);
    const snapshot = await store.store('snapshot', [Buffer.from('a snapshot')]);
    expect(await watch.afterSnapshot(snapshot.objectId, signal)).toBe(true);
    expect(await holds()).toEqual([]);
  });

  it('lets no snapshot be written that needs what may be deleted at any moment', async () => {
    const { watch, mark, stored, pass } = begin();
    const objectId = await stored();
    await watch.begin(signal);
    watch.relyOn(objectId);
    await mark(HOUR_MS, objectId);
    await pass(HOUR_MS);
    await expect(watch.beforeSnapshot(signal)).rejects.toMatchObject({ code: 'marked_meanwhile' });
  });

  it('withdraws a snapshot when something of it is gone, and knows nothing of one that is not listed', async () => {
    const { broker, store, watch, stored } = begin();
    const objectId = await stored();
    await watch.begin(signal);
    watch.relyOn(objectId);
    const snapshot = await store.store('snapshot', [Buffer.from('a snapshot')]);
    broker.delete(objectId);
    await expect(watch.afterSnapshot(snapshot.objectId, signal)).rejects.toMatchObject({ code: 'marked_meanwhile' });
    expect(broker.listed.has(snapshot.objectId)).toBe(false);
    expect(await watch.afterSnapshot(snapshot.objectId, signal)).toBe(false);
  });

  it('does not confirm a snapshot beside a notice that nobody can read, however old: it may be a mark', async () => {
    const { broker, store, watch, mark, stored } = begin();
    await mark(HOUR_MS);
    broker.away.add(broker.inOrder[0]!.objectId);
    broker.nowMs += 31 * 24 * HOUR_MS;
    await store.settle();
    await watch.begin(signal);
    watch.relyOn(await stored());
    const snapshot = await store.store('snapshot', [Buffer.from('a snapshot')]);
    expect(await watch.afterSnapshot(snapshot.objectId, signal)).toBe(false);
    expect(broker.listed.has(snapshot.objectId)).toBe(true);
  });
});
