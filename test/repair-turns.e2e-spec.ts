// Whose turn it is to repair (B22-B25): first the owner's machines, then others, each another object; and that neither a
// deletion nor want of credit nor the owner's wishes are passed over. One network, to which everything happens in turn.
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BrokerClient } from '#broker-api';
import { PeerLink } from '#peer-link';
import { type ContentId, contentIdOf, type ObjectId, type PeerId, type RepairTask, uuidV7 } from '#protocol';
import { rebuildShards } from '../apps/peer-agent/src/repairs/rebuild-shards.js';
import { World, type WorldClient, type WorldHost } from './world.js';

const MINUTE_MS = 60_000;
/** Hosts speak once in each, and are there for a little longer: few steps, since each is a call of every host. */
const STEP_MS = 30 * MINUTE_MS;
const MISSED_MS = 2 * STEP_MS;
const OWNER_MS = STEP_MS;
const POLICY = {
  redundancy: [{ hosts: 4, dataShards: 2, totalShards: 4, safeShards: 3 }],
  openingCreditBytes: 20_000_000,
  audits: { on: false },
  vetting: { days: 0, uptimeMin: 0, answersMin: 0, auditsMin: 0 },
  leaving: { days: 0 },
  presenceIntervalMs: STEP_MS,
  presenceTtlMs: STEP_MS + MINUTE_MS,
  probeHosts: false,
  repair: { missedAfterMs: MISSED_MS, ownerFirstMs: OWNER_MS, waitLossMax: 0.999, retryMs: 1_000 },
};
/** No rate: as fast as it goes. */
const FAST = { bytesPerSecond: null, atOnce: 1 };

let world: World;
let owner: WorldClient;
let busy: WorldClient;
let abroad: WorldHost;
let fast: WorldHost;
let source: string;
const links: (PeerLink | BrokerClient)[] = [];

interface ShardRow {
  readonly object_id: ObjectId;
  readonly shard_index: number;
  readonly host_id: PeerId | null;
  readonly cid: ContentId;
  readonly state: string;
  readonly charge: number;
}
const shardsNow = (): Promise<ShardRow[]> =>
  world.brokerRows<ShardRow>('SELECT * FROM shards ORDER BY object_id, shard_index');
const waiting = async (): Promise<number> => (await world.brokerRows('SELECT object_id FROM repairs')).length;
interface TaskRow {
  readonly state: string;
  readonly cause: string | null;
  readonly worker_id: PeerId;
  readonly object_id: ObjectId;
}
const tasks = (): Promise<TaskRow[]> =>
  world.brokerRows<TaskRow>('SELECT state, cause, worker_id, object_id FROM repair_tasks ORDER BY id');
const running = (): WorldHost[] => world.hosts.filter(({ isRunning }) => isRunning);
const lost: WorldHost[] = [];

/** Let so many steps pass, in which hosts stay there, and let the broker look at its queue. */
async function pass(steps: number): Promise<void> {
  for (let step = 0; step < steps; step++) await world.pass(STEP_MS);
  await world.broker.tendRepairsNow();
}

/** An object at which somebody failed rests for a moment. */
async function rest(): Promise<void> {
  await world.pass(MINUTE_MS);
}

async function loseHost(): Promise<WorldHost> {
  const holding = new Set((await shardsNow()).map(({ host_id: hostId }) => hostId));
  const host = running().find(({ peerId }) => holding.has(peerId))!;
  await host.kill();
  lost.push(host);
  return host;
}

/** Until a host is missed, and until others than the owner may repair what it had. */
const untilMissed = (): Promise<void> => pass(2);
const untilOthersMay = (): Promise<void> => pass(1);

/** The worker does what there is; then hosts tell the broker what they signed. */
async function work(): Promise<void> {
  // The first may join a run that began before there was anything to do.
  for (let run = 0; run < 2; run++) await fast.agent.triggers.repairs();
  await world.settle();
  await world.broker.tendRepairsNow();
}

async function expectWhole(): Promise<void> {
  // Those of deleted objects stay known until their hosts say that they are gone.
  const wanted = await world.brokerRows<{ id: ObjectId }>('SELECT id FROM objects WHERE deleted_at_ms IS NULL');
  const ids = new Set(wanted.map(({ id }) => id));
  const shards = (await shardsNow()).filter((shard) => ids.has(shard.object_id));
  expect(shards.length).toBeGreaterThan(0);
  const alive = new Set(running().map(({ peerId }) => peerId));
  for (const { state, host_id: hostId } of shards) {
    expect(state).toBe('stored');
    expect(alive.has(hostId!)).toBe(true);
    // The owner wished for other regions than this host's.
    expect(hostId).not.toBe(abroad.peerId);
  }
  const places = shards.map((shard) => `${shard.object_id} ${shard.host_id}`);
  expect(new Set(places).size).toBe(places.length);
}

interface Taken {
  readonly host: WorldHost;
  readonly task: RepairTask;
  readonly broker: BrokerClient;
  readonly link: PeerLink;
}

/** A machine of an operator that takes a task by itself, and does with it what it likes. */
async function takeTask(host: WorldHost): Promise<Taken> {
  const parts = { home: host.home, clock: world.clock, log: world.log };
  const broker = new BrokerClient(parts);
  const link = new PeerLink(parts);
  links.push(broker, link);
  const { task } = await broker.repairs.begin({ objectBytesMax: 1e9 });
  expect(task).not.toBeNull();
  return { host, task: task!, broker, link };
}

async function rebuildAndPut({ task, link }: Taken): Promise<void> {
  const found = new Map<number, Uint8Array>();
  for (const get of task.sources.slice(0, task.dataShards)) found.set(get.index, (await link.getShard(get)).bytes);
  const rebuilt = rebuildShards({ ...task, sources: found });
  for (const [i, target] of task.targets.entries()) await link.putShard({ ...target, bytes: rebuilt[i]! });
}

beforeAll(async () => {
  world = await World.create({ hosts: 0, policy: POLICY, behindMs: 48 * 60 * MINUTE_MS });
  abroad = await world.addHost(undefined, { repairs: null, region: 'us' });
  // Machines that repair nothing by themselves: the tests are the workers.
  for (let i = 0; i < 6; i++) await world.addHost(undefined, { repairs: null, region: 'eu' });
  owner = await world.addClient('owner');
  busy = await world.addClient('busy');
  source = await world.writeFiles('source', { 'a.bin': randomBytes(60_000), 'b.txt': 'text' });
  const more = await world.writeFiles('more', { 'd.bin': randomBytes(20_000) });
  for (const path of [more, source]) {
    await owner.engine.backup({ paths: [path], excludes: [], regions: ['eu'], ...owner.running() });
  }
  await busy.engine.backup({ paths: [more], excludes: [], regions: ['eu'], ...busy.running() });
  await world.settle();
  await world.broker.keepStandingsNow();
  await world.broker.exchangeCreditNow();
  // After its start the broker waits for hosts to speak before it calls any of them missed.
  await pass(3);
});
afterAll(() => world.close());

afterEach(async () => {
  expect(await world.broker.checkLedger()).toEqual([]);
  for (const link of links.splice(0)) await link.close();
});

describe('a host that is missed', () => {
  it('has its shards mended by the next backup of their owner, while they are nobody else’s to repair (B22)', async () => {
    await loseHost();
    await untilMissed();
    expect(await waiting()).toBeGreaterThan(1);
    for (const host of running()) {
      const { task } = await world.askBroker(host, (broker) => broker.repairs.begin({ objectBytesMax: 1e9 }));
      expect(task).toBeNull();
    }
    const own = await world.askBroker(busy, (broker) => broker.repairs.own({}));
    expect(own.repairs.length).toBeGreaterThan(0);
    const used = (await world.creditOf(busy)).used;
    // As every run of a scheduled backup does after its snapshot.
    expect(await busy.engine.mendDue(busy.running())).toMatchObject({
      objects: own.repairs.length,
      shards: own.repairs.length,
      leftObjects: 0,
    });
    await world.settle();
    await world.broker.tendRepairsNow();
    expect(await world.askBroker(busy, (broker) => broker.repairs.own({}))).toEqual({ repairs: [], next: null });
    expect((await world.creditOf(busy)).used).toBe(used);
    expect(await tasks()).toEqual([]);
  });
});

describe('a worker', () => {
  beforeAll(untilOthersMay);

  it('gets an object of its own, tokens for the shards of its task alone, and none for itself (B25)', async () => {
    const taken = await Promise.all(running().slice(0, 2).map(takeTask));
    expect(new Set(taken.map(({ task }) => task.objectId)).size).toBe(2);
    for (const { host: worker, task, broker } of taken) {
      const shards = (await shardsNow()).filter((shard) => shard.object_id === task.objectId);
      for (const { index, cid, host } of [...task.sources, ...task.targets]) {
        expect(shards.find((shard) => shard.shard_index === index)!.cid).toBe(cid);
        expect(host.peerId).not.toBe(worker.peerId);
      }
      // What is sound stays: only what the lost host had is to be brought elsewhere.
      const missing = shards.filter((shard) => shard.host_id === lost[0]!.peerId);
      expect(task.targets.map(({ index }) => index)).toEqual(missing.map((shard) => shard.shard_index));
      const tokens = await world.brokerRows<{ op: string; cid: ContentId }>(
        "SELECT op, cid FROM transactions WHERE client_id = $1 AND op <> 'audit'",
        [worker.peerId],
      );
      expect(tokens.filter(({ op }) => op !== 'get')).toEqual(task.targets.map(({ cid }) => ({ op: 'put', cid })));
      await broker.repairs.end({ taskId: task.taskId, failure: 'interrupted' });
    }
    expect(await tasks()).toMatchObject([
      { state: 'failed', cause: 'interrupted' },
      { state: 'failed', cause: 'interrupted' },
    ]);
    await rest();
  });

  it('brings nothing back to an object that was deleted meanwhile, and its price is given back (B22)', async () => {
    const before = (await world.creditOf(owner)).used;
    const taken = await takeTask(running()[4]!);
    const { objectId, taskId } = taken.task;
    const price = (await shardsNow())
      .filter((shard) => shard.object_id === objectId)
      .reduce((sum, { charge }) => sum + charge, 0);
    await world.askBroker(owner, (broker) => broker.beginDelete({ objectIds: [objectId] }));
    await rebuildAndPut(taken);
    await world.settle();
    await taken.broker.repairs.end({ taskId });
    const left = (await shardsNow()).filter((shard) => shard.object_id === objectId);
    expect(left.some(({ host_id: hostId }) => taken.task.targets.some(({ host }) => host.peerId === hostId))).toBe(
      false,
    );
    // Those at hosts cost until the hosts say that they are gone.
    const charged = left.reduce((sum, { charge }) => sum + charge, 0);
    expect((await world.creditOf(owner)).used).toBe(before - BigInt(price - charged));
    await world.broker.tendRepairsNow();
    expect(await world.brokerRows('SELECT * FROM repairs WHERE object_id = $1', [objectId])).toEqual([]);
  });
});

describe('objects whose owner is away', () => {
  it('are rebuilt by others where the owner wished, also without credit, and their price stays (B22, B24)', async () => {
    fast = await world.addHost(undefined, { repairs: FAST, region: 'eu' });
    await world.addHost(undefined, { repairs: null, region: 'eu' });
    // Their probation ends when they were looked at, some time later.
    await pass(1);
    await world.broker.keepStandingsNow();
    const before = await world.creditOf(owner);
    // Everything that the owner has free is set aside for something else.
    const sizeBytes = Number(before.available / 3n);
    const shards = [0, 1, 2, 3].map((index) => ({ index, cid: contentIdOf(randomBytes(32)), sizeBytes }));
    const objectId = uuidV7<ObjectId>(world.clock.nowMs(), randomBytes(10));
    const put = { objectId, kind: 'data' as const, sizeBytes: 2 * sizeBytes, dataShards: 2, totalShards: 4, avoid: [] };
    await world.askBroker(owner, (broker) => broker.beginPut({ objects: [{ ...put, shards }] }));
    expect((await world.creditOf(owner)).available).toBeLessThan(10n);
    await work();
    expect(await waiting()).toBe(0);
    expect((await world.creditOf(owner)).used).toBe(before.used);
    await pass(1);
    await world.broker.endExpiredNow();
    await world.askBroker(owner, (broker) => broker.beginDelete({ objectIds: [objectId] }));
    expect(await world.creditOf(owner)).toEqual(before);
    await expectWhole();
    // What workers were paid, the accounts of the hosts that lost the shards have given.
    const paid = await world.brokerRows<{ kind: string; amount: number }>(
      "SELECT kind, SUM(amount) AS amount FROM ledger_entries WHERE transaction_id LIKE 'repair/%' GROUP BY kind",
    );
    const [earned, lapsed] = ['earn', 'lapse'].map((kind) => paid.find((sum) => sum.kind === kind)?.amount ?? 0);
    expect(earned).toBeGreaterThan(0);
    expect(lapsed).toBe(earned);
  });
});
