// Repairs by the network (B22-B25): what hosts lost is rebuilt at others by a host that holds no key, while the owner is
// away; nothing that a worker says counts, only what hosts sign for.
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BrokerClient } from '#broker-api';
import { PeerLink } from '#peer-link';
import type { ContentId, PeerId, RepairTask } from '#protocol';
import { rebuildShards } from '../apps/peer-agent/src/repairs/rebuild-shards.js';
import { compareTrees } from '../scripts/demo/compare-trees.js';
import { type HostSettings, refusalOf, World, type WorldClient, type WorldHost } from './world.js';

const MINUTE_MS = 60_000;
/** Hosts are there again after each such step. */
const STEP_MS = 5 * MINUTE_MS;
const MISSED_MS = 20 * MINUTE_MS;
const OWNER_MS = 10 * MINUTE_MS;
const POLICY = {
  redundancy: [{ hosts: 4, dataShards: 2, totalShards: 4, safeShards: 3 }],
  audits: { on: false },
  vetting: { days: 0, uptimeMin: 0, answersMin: 0, auditsMin: 0 },
  leaving: { days: 0 },
  presenceIntervalMs: STEP_MS,
  presenceTtlMs: STEP_MS + MINUTE_MS,
  probeHosts: false,
  repair: { missedAfterMs: MISSED_MS, ownerFirstMs: OWNER_MS, waitLossMax: 0.999, retryMs: 1_000 },
};

let world: World;
let owner: WorldClient;
let source: string;
let phrase: string;
const links: (PeerLink | BrokerClient)[] = [];

interface ShardRow {
  readonly object_id: string;
  readonly shard_index: number;
  readonly host_id: PeerId | null;
  readonly cid: ContentId;
  readonly state: string;
  readonly size_bytes: number;
}
const shardsNow = (): Promise<ShardRow[]> =>
  world.brokerRows<ShardRow>('SELECT * FROM shards ORDER BY object_id, shard_index');
const waiting = async (): Promise<number> => (await world.brokerRows('SELECT object_id FROM repairs')).length;
const tasks = (): Promise<{ state: string; cause: string | null; worker_id: PeerId }[]> =>
  world.brokerRows('SELECT state, cause, worker_id FROM repair_tasks ORDER BY id');
const running = (): WorldHost[] => world.hosts.filter(({ isRunning }) => isRunning);

/** Let so much time pass, in steps in which hosts stay there, and let the broker look at its queue. */
async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= STEP_MS) await world.pass(Math.min(left, STEP_MS));
  await world.broker.tendRepairsNow();
}

/** Every worker does what there is; then hosts tell the broker what they signed. */
async function workAll(): Promise<void> {
  for (const host of running()) await host.agent.triggers.repairs();
  await world.settle();
  await world.broker.tendRepairsNow();
}

async function loseHosts(count: number): Promise<WorldHost[]> {
  const holding = new Set((await shardsNow()).map(({ host_id: hostId }) => hostId));
  const lost = running()
    .filter(({ peerId }) => holding.has(peerId))
    .slice(0, count);
  for (const host of lost) await host.kill();
  return lost;
}

async function expectWhole(): Promise<void> {
  const shards = await shardsNow();
  const alive = new Set(running().map(({ peerId }) => peerId));
  for (const { state, host_id: hostId } of shards) {
    expect(state).toBe('stored');
    expect(alive.has(hostId!)).toBe(true);
  }
  for (const objectId of new Set(shards.map((shard) => shard.object_id))) {
    const hosts = shards.filter((shard) => shard.object_id === objectId).map((shard) => shard.host_id);
    expect(new Set(hosts).size).toBe(hosts.length);
  }
}

/** A machine of an operator that takes a task by itself, and does with it what it likes. */
async function takeTask(host: WorldHost): Promise<{ task: RepairTask; broker: BrokerClient; link: PeerLink }> {
  const parts = { home: host.home, clock: world.clock, log: world.log };
  const broker = new BrokerClient(parts);
  const link = new PeerLink(parts);
  links.push(broker, link);
  // An object at which another one failed rests for a moment.
  await pass(MINUTE_MS);
  const { task } = await broker.repairs.begin({ objectBytesMax: 1e9 });
  expect(task).not.toBeNull();
  return { task: task!, broker, link };
}

async function createWorld(hosts: number, repairs: NonNullable<HostSettings['repairs']> | null): Promise<void> {
  world = await World.create({ hosts: 0, policy: POLICY });
  for (let i = 0; i < hosts; i++) await world.addHost(undefined, { repairs });
  owner = await world.addClient('owner');
  const files = { 'a.bin': randomBytes(300_000), 'b.txt': 'text', 'c.bin': randomBytes(70_000) };
  source = await world.writeFiles('source', files);
  for (let i = 0; i < 3; i++) await owner.backup(await world.writeFiles(`more-${i}`, { 'd.bin': randomBytes(50_000) }));
  // The latest one, also by the clock.
  world.clock.advance(1_000);
  await owner.backup(source);
  phrase = await owner.phrase();
  await owner.close();
  await world.broker.keepStandingsNow();
  // After its start the broker waits for hosts to speak before it calls any of them missed.
  await pass(3 * STEP_MS);
  await world.settle();
}

afterEach(async () => {
  expect(await world.broker.checkLedger()).toEqual([]);
  for (const link of links.splice(0)) await link.close();
});

describe('objects whose owner is away', () => {
  beforeAll(() => createWorld(8, { bytesPerSecond: null, atOnce: 1 }));
  afterAll(() => world.close());

  it('get a shard that rotted replaced, and pay nothing for it (B18, B22)', async () => {
    const before = await world.creditOf(owner);
    const rotten = (await shardsNow())[0]!;
    const host = world.hostOf(rotten.host_id!);
    await host.damage(rotten.cid);
    // As its scrub does when it has found it.
    await world.askBroker(host, (broker) => broker.reportLosses({ cids: [rotten.cid] }));
    expect(await world.creditOf(owner)).toEqual(before);
    expect(await world.broker.checkLedger()).toEqual([]);
    await pass(OWNER_MS + STEP_MS);
    await workAll();
    await expectWhole();
    const replaced = (await shardsNow()).find((shard) => shard.cid === rotten.cid)!;
    expect(replaced.host_id).not.toBe(rotten.host_id);
    expect(await world.creditOf(owner)).toEqual(before);
  });

  it('leave the queue when a host comes back before anybody has begun', async () => {
    const begun = await tasks();
    const [host] = await loseHosts(1);
    const places = await shardsNow();
    await pass(MISSED_MS + STEP_MS);
    expect(await waiting()).toBeGreaterThan(0);
    await host!.start();
    await pass(MINUTE_MS);
    expect(await waiting()).toBe(0);
    await pass(OWNER_MS);
    await workAll();
    expect(await tasks()).toEqual(begun);
    expect(await shardsNow()).toEqual(places);
  });

  it('lose nothing when a host leaves: it is emptied, and gone (B23)', async () => {
    const leavingId = (await shardsNow())[0]!.host_id!;
    const host = world.hostOf(leavingId);
    await world.askBroker(host, (broker) => broker.leave(leavingId, 'moving house'));
    await pass(MINUTE_MS);
    expect(await waiting()).toBeGreaterThan(0);
    await pass(OWNER_MS + STEP_MS);
    await workAll();
    expect((await shardsNow()).filter((shard) => shard.host_id === leavingId)).toEqual([]);
    await world.broker.keepStandingsNow();
    const [peer] = await world.brokerRows<{ state: string }>('SELECT state FROM peers WHERE id = $1', [leavingId]);
    expect(peer!.state).toBe('gone');
    await host.stop();
    await expectWhole();
  });

  it('are rebuilt by others when two hosts are lost for good; every byte comes back, and its price stays (B22, B24)', async () => {
    const before = await world.creditOf(owner);
    const begun = await tasks();
    expect(await waiting()).toBe(0);
    await loseHosts(2);
    await pass(MISSED_MS - STEP_MS);
    expect(await waiting()).toBe(0);
    await pass(STEP_MS + MINUTE_MS);
    expect(await waiting()).toBeGreaterThan(0);
    // For a while they are the owner's machines' to repair.
    await workAll();
    expect(await tasks()).toEqual(begun);

    await pass(OWNER_MS);
    // A task that the turned clock cut off waits for the end of its life.
    for (let i = 0; i < 5 && (await waiting()) > 0; i++) {
      await workAll();
      await pass(STEP_MS);
    }
    expect(await waiting()).toBe(0);
    await expectWhole();
    expect(await world.creditOf(owner)).toEqual(before);
    // What workers were paid, the accounts of the hosts that lost the shards have given.
    const paid = await world.brokerRows<{ kind: string; amount: number }>(
      "SELECT kind, SUM(amount) AS amount FROM ledger_entries WHERE transaction_id LIKE 'repair/%' GROUP BY kind",
    );
    const [earned, lapsed] = ['earn', 'lapse'].map((kind) => paid.find((sum) => sum.kind === kind)?.amount ?? 0);
    expect(earned).toBeGreaterThan(0);
    expect(lapsed).toBe(earned);
    // Two more may go now.
    await loseHosts(2);
    const machine = await world.recoverClient(phrase, 'new-machine');
    await machine.restore(world.path('restored'));
    expect(await compareTrees(source, world.path('restored'), [])).toMatchObject({ differences: [] });
  });
});

describe('a worker', () => {
  // Machines that repair nothing by themselves: the tests are the workers.
  beforeAll(async () => {
    await createWorld(7, null);
    await loseHosts(1);
    await pass(MISSED_MS + OWNER_MS + STEP_MS);
  });
  afterAll(() => world.close());

  it('is no machine on probation, and none that hosts nothing', async () => {
    const newcomer = await world.addHost();
    for (const machine of [newcomer, owner]) {
      const begin = world.askBroker(machine, (broker) => broker.repairs.begin({ objectBytesMax: 1e9 }));
      expect(await refusalOf(begin)).toBe('repairs_not_allowed');
    }
    await newcomer.stop();
  });

  it('holds tokens for the shards of its task alone, and none for itself', async () => {
    const worker = running()[0]!;
    const { task, broker } = await takeTask(worker);
    const shards = (await shardsNow()).filter((shard) => shard.object_id === task.objectId);
    expect(task.targets).toHaveLength(1);
    for (const { index, cid, host } of [...task.sources, ...task.targets]) {
      expect(shards.find((shard) => shard.shard_index === index)!.cid).toBe(cid);
      expect(host.peerId).not.toBe(worker.peerId);
    }
    const puts = await world.brokerRows<{ cid: ContentId }>(
      "SELECT cid FROM transactions WHERE op = 'put' AND client_id = $1",
      [worker.peerId],
    );
    expect(puts).toEqual(task.targets.map(({ cid }) => ({ cid })));
    await broker.repairs.end({ taskId: task.taskId, failure: 'interrupted' });
    expect((await tasks()).at(-1)).toMatchObject({ state: 'failed', cause: 'interrupted' });
  });

  it('that puts other bytes is refused by the host (B25)', async () => {
    const { task, broker, link } = await takeTask(running()[1]!);
    const [{ host, token, cid, sizeBytes, transactionId }] = task.targets as [RepairTask['targets'][number]];
    const put = link.putShard({ host, token, cid, bytes: randomBytes(sizeBytes), transactionId });
    expect(await refusalOf(put)).toBe('shard_content_mismatch');
    await broker.repairs.end({ taskId: task.taskId });
    expect((await tasks()).at(-1)).toMatchObject({ state: 'failed', cause: 'nothing_stored' });
    expect(await refusalOf(broker.repairs.end({ taskId: task.taskId }))).toBe('repair_task_unknown');
  });

  it('that says it is done and put nothing has done nothing, and does not get the object again (B25)', async () => {
    const before = await shardsNow();
    const worker = running()[2]!;
    const { task, broker } = await takeTask(worker);
    await broker.repairs.end({ taskId: task.taskId });
    expect((await tasks()).at(-1)).toMatchObject({ state: 'failed', worker_id: worker.peerId });
    expect(await shardsNow()).toEqual(before);
    await pass(MINUTE_MS);
    const again = await broker.repairs.begin({ objectBytesMax: 1e9 });
    expect(again.task?.objectId).not.toBe(task.objectId);
    await broker.repairs.end({ taskId: again.task!.taskId });
  });

  it('does not move a shard whose host is back before it has put it, and the sound one stays', async () => {
    const { task, link, broker } = await takeTask(running()[3]!);
    const away = world.hosts.find(({ isRunning, peerId }) => !isRunning && peerId !== world.hosts.at(-1)!.peerId)!;
    await away.start();
    await pass(MINUTE_MS);
    const before = await shardsNow();
    const found = new Map<number, Uint8Array>();
    for (const get of task.sources.slice(0, task.dataShards)) found.set(get.index, (await link.getShard(get)).bytes);
    const [rebuilt] = rebuildShards({ ...task, sources: found });
    await link.putShard({ ...task.targets[0]!, bytes: rebuilt! });
    await world.settle();
    await broker.repairs.end({ taskId: task.taskId });
    expect(await shardsNow()).toEqual(before);
    expect(await waiting()).toBe(0);
    await away.kill();
    await pass(MISSED_MS + OWNER_MS + STEP_MS);
  });

  it('that is killed in the middle leaves its task to another (B25)', async () => {
    const first = running()[4]!;
    const { task } = await takeTask(first);
    await first.kill();
    await pass(3 * STEP_MS);
    expect((await tasks()).at(-1)).toMatchObject({ state: 'failed', cause: 'task_expired' });
    const worker = await world.addHost(undefined, { repairs: { bytesPerSecond: null, atOnce: 1 } });
    await world.broker.keepStandingsNow();
    await pass(MINUTE_MS);
    await worker.agent.triggers.repairs();
    await worker.agent.triggers.repairs();
    await world.settle();
    const done = await world.brokerRows<{ worker_id: PeerId }>(
      "SELECT worker_id FROM repair_tasks WHERE object_id = $1 AND state = 'done'",
      [task.objectId],
    );
    expect(done).toEqual([{ worker_id: worker.peerId }]);
  });
});
