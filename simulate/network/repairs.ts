// Repair in the simulated network: which objects wait for it, in which order, and what it moves.

import { HOURS_PER_YEAR } from '#erasure';
import { CandidatePool } from '../../apps/server/src/placement/candidate-pool.js';
import { type Holder, placeShards } from '../../apps/server/src/placement/place-shards.js';
import { EVENT } from './events.js';
import { accountOf, idOf, numberOf } from './peers.js';
import type { Measured, ShardsSeen } from './rules.js';
import { CONDITION, NO_HOST, PHASE } from './shards.js';
import type { World } from './world.js';

const SECONDS_PER_HOUR = 3_600;
/** A host that drops what it took waits until it has been paid for taking it. */
const KEPT_FOR_HOURS = 1;
/** So many repairs tell how long one takes, and no fewer (repair-pace.ts of the broker). */
const PACE_REPAIRS = 100;
const PACE_REPAIRS_MIN = 10;
/** How old the weights of a pool of hosts may be; whether one is there and has room is always as it is. */
const POOL_LIFE_HOURS = 6;

/** Places every object for the first time. */
export function placeObject(world: World, object: number): void {
  for (const { slot, peer } of placeMissing(world, object)) settle(world, slot, peer);
}

/** After anything that changed what is true of an object: is it lost, does the clock of its repair start? */
export function noticeTruth(world: World, object: number): void {
  const { shards, desk, tallies } = world;
  if (shards.phase[object] === PHASE.lost) return;
  const intact = shards.intact[object]!;
  if (intact < world.code.dataShards) {
    lose(world, object);
    return;
  }
  if (world.rules.repairOf({ sound: intact, away: 0 }).isDue && Number.isNaN(desk.dueSinceHours[object]!)) {
    desk.dueSinceHours[object] = world.nowHours;
    if (world.options.repairHours === null) return;
    const inHours = world.random.repair.exponential(world.options.repairHours);
    world.queue.add(world.nowHours + inHours, EVENT.repairDue, object);
    tallies.repairsWaitingMax = Math.max(tallies.repairsWaitingMax, ++desk.waitingCount);
  }
}

/** Nothing brings it back; what is left of it goes. */
function lose(world: World, object: number): void {
  const { shards, desk, tallies, nowHours } = world;
  if (shards.phase[object] === PHASE.waiting) leaveQueue(world, object);
  if (world.options.repairHours !== null && !Number.isNaN(desk.dueSinceHours[object]!)) desk.waitingCount--;
  shards.phase[object] = PHASE.lost;
  desk.dueSinceHours[object] = Number.NaN;
  desk.transfers.delete(object);
  tallies.objectsLost++;
  tallies.objectHours += nowHours;
  tallies.lostAtHours.push(nowHours);
  for (const slot of shards.slotsOf(object)) {
    shards.believe(slot, false);
    const host = shards.host[slot]!;
    if (host === NO_HOST) continue;
    shards.take(slot);
    world.refreshCandidate(host);
  }
}

/** After anything that changed what the broker believes of an object. */
export function considerRepair(world: World, object: number): void {
  const { shards, desk, rules, tallies } = world;
  if (world.options.repairHours !== null) return;
  const phase = shards.phase[object]!;
  if (phase !== PHASE.calm && phase !== PHASE.waiting) return;
  const { isDue, rank } = rules.repairOf(shardsSeen(world, object));
  if (!isDue) {
    if (phase === PHASE.waiting) leaveQueue(world, object);
    return;
  }
  if (Number.isNaN(desk.seenDueHours[object]!)) desk.seenDueHours[object] = world.nowHours;
  if (phase === PHASE.calm) tallies.repairsWaitingMax = Math.max(tallies.repairsWaitingMax, ++desk.waitingCount);
  shards.phase[object] = PHASE.waiting;
  desk.entry[object]! += 1;
  desk.waiting.add(rank, 0, object, desk.entry[object]!);
  startRepairs(world);
}

/** What is not in danger by itself may be by hosts that have gone away since: looked at once a day. */
export function sweepRepairs(world: World): void {
  const { shards, rules, code } = world;
  if (world.options.repairHours !== null) return;
  rules.measure(measured(world));
  for (let object = 0; object < shards.objects; object++)
    if (shards.phase[object] === PHASE.calm && shards.believed[object]! < code.totalShards)
      considerRepair(world, object);
}

/** The broker sees a host that is lost as one that is away, until it is missed. */
function shardsSeen({ shards, peers }: World, object: number): ShardsSeen {
  const believed = shards.slotsOf(object).filter((slot) => shards.isBelieved[slot] === 1);
  const sound = believed.filter((slot) => shards.host[slot] !== NO_HOST && peers.isOnline[shards.host[slot]!] === 1);
  return { sound: sound.length, away: believed.length - sound.length };
}

function measured({ desk, tallies, options, nowHours }: World): Measured {
  const { paceHours } = desk;
  const repairHours = paceHours.reduce((sum, hours) => sum + hours, 0) / paceHours.length;
  return {
    hostYears: (options.peers * nowHours) / HOURS_PER_YEAR,
    losses: tallies.deathsMissed + tallies.freeRiderHours.length + tallies.honestSuspended,
    repairHours: paceHours.length < PACE_REPAIRS_MIN ? null : repairHours,
  };
}

function leaveQueue(world: World, object: number): void {
  world.shards.phase[object] = PHASE.calm;
  world.desk.entry[object]! += 1;
  world.desk.waitingCount--;
}

/** As many at once as the peers that are online can work at: each followed repair stands for `weight` of them. */
export function startRepairs(world: World): void {
  const { desk, shards, peers } = world;
  const atOnceMax = Math.max(1, Math.floor(peers.onlineCount / world.weight));
  while (desk.transfers.size < atOnceMax && desk.waiting.take(Number.POSITIVE_INFINITY)) {
    const object = desk.waiting.subject;
    if (desk.waiting.stamp !== desk.entry[object] || shards.phase[object] !== PHASE.waiting) continue;
    leaveQueue(world, object);
    startRepair(world, object);
  }
}

/** One worker reads k shards and writes those that are missing; what it finds rotten is missing from then on. */
function startRepair(world: World, object: number): void {
  const { shards, desk, options, code, tallies } = world;
  if (!findSources(world, object)) {
    tallies.repairsWithoutSources++;
    shards.phase[object] = PHASE.working;
    desk.retries.push(object);
    return;
  }
  const targets = placeMissing(world, object).map(({ slot, peer }) => ({
    ...{ slot, peer },
    generation: world.peers.generation[peer]!,
  }));
  const movedBytes = (code.dataShards + targets.length) * world.shardBytes;
  // Where there are fewer peers than a followed repair stands for, they take turns.
  const turns = Math.max(1, world.weight / Math.max(1, world.peers.onlineCount));
  const hours = (turns * movedBytes) / options.repairBandwidth / SECONDS_PER_HOUR;
  shards.phase[object] = PHASE.working;
  desk.transfers.set(object, { targets, sources: code.dataShards });
  world.queue.add(world.nowHours + hours, EVENT.repairDone, object);
}

export function repairIsDone(world: World, object: number): void {
  const { desk, peers, shards } = world;
  const transfer = desk.transfers.get(object);
  if (transfer === undefined) return;
  desk.transfers.delete(object);
  shards.phase[object] = PHASE.calm;
  const arrived = transfer.targets.filter(
    ({ peer, generation }) => peers.generation[peer] === generation && peers.mayHost(peer),
  );
  for (const { slot, peer } of arrived) settle(world, slot, peer);
  countRepair(world, object, arrived.length, transfer.sources);
  considerRepair(world, object);
  startRepairs(world);
}

/** With exponential repair times: all that is missing comes back at once. */
export function repairIsDue(world: World, object: number): void {
  const { shards, desk } = world;
  if (shards.phase[object] === PHASE.lost) return;
  desk.waitingCount--;
  for (const slot of shards.slotsOf(object)) shards.believe(slot, shards.condition[slot] === CONDITION.good);
  const missing = placeMissing(world, object);
  for (const { slot, peer } of missing) settle(world, slot, peer);
  countRepair(world, object, missing.length, world.code.dataShards);
}

/** Objects that had too few hosts online. */
export function retryRepairs(world: World): void {
  for (const object of world.desk.retries.splice(0)) {
    if (world.shards.phase[object] !== PHASE.working) continue;
    world.shards.phase[object] = PHASE.calm;
    considerRepair(world, object);
  }
  startRepairs(world);
}

function countRepair(world: World, object: number, written: number, read: number): void {
  const { tallies, desk, shards, weight, nowHours } = world;
  tallies.repairs += weight;
  tallies.repairedShards += weight * written;
  tallies.repairReadBytes += read * world.weighedShardBytes;
  tallies.repairWrittenBytes += written * world.weighedShardBytes;
  if (shards.believed[object]! < world.code.totalShards) tallies.repairsIncomplete++;
  const since = desk.dueSinceHours[object]!;
  if (!Number.isNaN(since)) tallies.repairHours.push(nowHours - since);
  desk.dueSinceHours[object] = Number.NaN;
  const seen = desk.seenDueHours[object]!;
  if (!Number.isNaN(seen)) desk.paceHours.push(nowHours - seen);
  if (desk.paceHours.length > PACE_REPAIRS) desk.paceHours.shift();
  desk.seenDueHours[object] = Number.NaN;
  noticeTruth(world, object);
}

/** k good shards on hosts that are online, the believed ones first; false when there are not so many now. */
function findSources(world: World, object: number): boolean {
  const { shards, peers, random, tallies } = world;
  const online = shards
    .slotsOf(object)
    .filter((slot) => shards.host[slot] !== NO_HOST && peers.isOnline[shards.host[slot]!] === 1)
    .map((slot) => ({ slot, rank: random.repair.next() - shards.isBelieved[slot]! }))
    .sort((left, right) => left.rank - right.rank);
  let found = 0;
  for (const { slot } of online) {
    if (found === world.code.dataShards) break;
    const condition = shards.condition[slot]!;
    if (condition === CONDITION.good) {
      found++;
      continue;
    }
    const host = shards.host[slot]!;
    if (shards.isBelieved[slot] === 1)
      tallies.shardsMissed[condition === CONDITION.dropped ? 'dropped' : 'rotten'] += world.weight;
    shards.take(slot);
    shards.believe(slot, false);
    world.refreshCandidate(host);
  }
  return found === world.code.dataShards;
}

/** Hosts for every slot that the broker does not count on, by the broker's own placement. */
function placeMissing(world: World, object: number): { slot: number; peer: number }[] {
  const { shards, peers, random, rules } = world;
  const slots = shards.slotsOf(object);
  const owner = world.ownerOf(object);
  const holders: Holder[] = [];
  for (const slot of slots) {
    const host = shards.host[slot]!;
    if (host === NO_HOST) continue;
    const { peerId, accountId, network, isVetted } = peers.candidates[host]!;
    holders.push({ peerId, accountId, network, isVetted });
  }
  const missing = slots
    .filter((slot) => shards.isBelieved[slot] === 0)
    .map((slot) => ({ index: slot - slots[0]!, sizeBytes: world.shardBytes }));
  const { placed } = placeShards(
    {
      client: { peerId: idOf(owner), accountId: accountOf(owner) },
      shards: missing,
      holders,
      avoid: [],
      vettingShare: rules.policy.placement.vettingShare,
    },
    freshPool(world),
    random.placement.next,
  );
  return placed.map(({ index, peerId }) => ({ slot: slots[0]! + index, peer: numberOf(peerId) }));
}

function freshPool(world: World): CandidatePool {
  const { desk, peers, nowHours } = world;
  if (nowHours - desk.poolMadeAtHours >= POOL_LIFE_HOURS) {
    desk.pool = new CandidatePool(peers.candidates.filter(({ availableBytes }) => availableBytes > 0));
    desk.poolMadeAtHours = nowHours;
  }
  return desk.pool;
}

/** A shard arrives at its host; what another host still had of it is trash. */
function settle(world: World, slot: number, peer: number): void {
  const { shards, peers, random, options } = world;
  const before = shards.host[slot]!;
  if (before !== NO_HOST) {
    shards.take(slot);
    world.refreshCandidate(before);
  }
  shards.put(slot, peer, CONDITION.good);
  world.refreshCandidate(peer);
  if (peers.isFreeRider[peer] === 1 && random.repair.next() < options.dropped)
    world.queue.add(world.nowHours + KEPT_FOR_HOURS, EVENT.drop, slot, peers.generation[peer]!);
}
