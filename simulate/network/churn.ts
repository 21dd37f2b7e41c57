// Peers come, are away for a while, and are lost for good; what the broker makes of it when one stays away.
import { HOURS_PER_YEAR, yearlyLossRateOf } from '#erasure';
import { forgetAudits, planAuditHit, resumeAudits } from './audits.js';
import { EVENT } from './events.js';
import { idOf, STANDING } from './peers.js';
import { considerRepair, noticeTruth } from './repairs.js';
import { CONDITION, NO_HOST, PHASE } from './shards.js';
import type { World } from './world.js';

const HOURS_PER_DAY = 24;
/** Away for more than this of its time, a peer is none. */
const AWAY_SHARE_MAX = 0.9;

/** A newcomer at a number. At the start all are old enough to be vetted; later ones are not. */
export function peerJoins(world: World, peer: number, isFirst: boolean): void {
  const { peers, options, random } = world;
  const awayShare = Math.min(AWAY_SHARE_MAX, random.churn.exponential(1 - options.uptime));
  peers.generation[peer]! += 1;
  peers.uptime[peer] = 1 - awayShare;
  peers.isFreeRider[peer] = Number(random.churn.next() < options.suspicious);
  peers.joinedAtHours[peer] = world.nowHours;
  peers.standing[peer] = isFirst ? STANDING.active : STANDING.vetting;
  peers.candidates[peer]!.uptime = 1 - awayShare;
  peers.candidates[peer]!.isVetted = isFirst;
  peers.candidates[peer]!.peerId = idOf(peer);
  if (peers.isFreeRider[peer] === 1) world.tallies.freeRidersJoined++;
  forgetAudits(world, peer);
  peers.setOnline(peer, true);
  world.refreshCandidate(peer);
  world.plan(random.churn.exponential(HOURS_PER_YEAR / yearlyLossRateOf(options.churn)), EVENT.death, peer);
  planOutage(world, peer);
}

function planOutage(world: World, peer: number): void {
  const awayShare = 1 - world.peers.uptime[peer]!;
  if (awayShare === 0) return;
  const meanOnlineHours = (world.options.outageHours * (1 - awayShare)) / awayShare;
  world.plan(world.random.churn.exponential(meanOnlineHours), EVENT.away, peer);
}

export function peerGoesAway(world: World, peer: number): void {
  const { peers, rules, tallies } = world;
  tallies.outages++;
  const awayHours = world.random.churn.exponential(world.options.outageHours);
  peers.setOnline(peer, false);
  peers.awaySinceHours[peer] = world.nowHours;
  world.refreshCandidate(peer);
  // Most come back first: for them the broker's patience need not be planned.
  if (awayHours > rules.awayForHours) world.plan(rules.awayForHours, EVENT.writeOff, peer);
  world.plan(awayHours, EVENT.back, peer);
}

/** The broker does without a peer that has been away for so long: what it holds is put elsewhere. */
export function peerIsWrittenOff(world: World, peer: number): void {
  world.tallies.falseAlarms++;
  for (const slot of world.shards.heldSlots(peer)) {
    world.tallies.shardsMissed.away += world.weight * world.shards.isBelieved[slot]!;
    world.shards.believe(slot, false);
    considerRepair(world, world.shards.objectOf(slot));
  }
}

/** What has not been replaced meanwhile counts again. */
export function peerComesBack(world: World, peer: number): void {
  const { peers, shards } = world;
  peers.setOnline(peer, true);
  world.refreshCandidate(peer);
  if (world.nowHours - peers.awaySinceHours[peer]! > world.rules.awayForHours) {
    if (peers.standing[peer] !== STANDING.suspended)
      for (const slot of shards.heldSlots(peer)) shards.believe(slot, true);
  }
  resumeAudits(world, peer);
  planOutage(world, peer);
}

/** The disk is gone. The broker sees a peer that is away, until that has lasted too long. */
export function peerDies(world: World, peer: number): void {
  const { peers, shards, tallies } = world;
  tallies.deaths++;
  const missedSinceHours = peers.isOnline[peer] === 1 ? world.nowHours : peers.awaySinceHours[peer]!;
  const slots = shards.heldSlots(peer);
  for (const slot of slots) {
    shards.take(slot);
    noticeTruth(world, shards.objectOf(slot));
  }
  world.graves.push(slots);
  const foundAtHours = Math.max(world.nowHours, missedSinceHours + world.rules.lostForHours);
  world.queue.add(foundAtHours, EVENT.graveFound, world.graves.length - 1);
  if (peers.isOnline[peer] === 1) peers.setOnline(peer, false);
  peerJoins(world, peer, false);
}

export function graveIsFound(world: World, grave: number): void {
  const { shards, tallies } = world;
  if (world.graves[grave]!.length > 0) tallies.deathsMissed++;
  for (const slot of world.graves[grave]!) {
    const isOpen = shards.host[slot] === NO_HOST && shards.isBelieved[slot] === 1;
    if (!isOpen || shards.phase[shards.objectOf(slot)] === PHASE.lost) continue;
    tallies.shardsMissed.dead += world.weight;
    shards.believe(slot, false);
    considerRepair(world, shards.objectOf(slot));
  }
  // Its memory goes; the number stays, for the events that name others.
  world.graves[grave] = new Int32Array(0);
}

/** A followed shard rots somewhere. Those that are not followed count where a host is audited, by their expected number. */
export function shardRots(world: World): void {
  const { shards, peers, random, options } = world;
  planRot(world);
  const slot = random.rot.below(shards.host.length);
  const host = shards.host[slot]!;
  if (host === NO_HOST || shards.condition[slot] !== CONDITION.good) return;
  world.tallies.rotted += world.weight;
  shards.turn(slot, CONDITION.rotten);
  noticeTruth(world, shards.objectOf(slot));
  planAuditHit(world, host);
  if (options.scrubDays === 0) return;
  const seenAtHours = world.nowHours + random.rot.next() * options.scrubDays * HOURS_PER_DAY;
  world.queue.add(seenAtHours, EVENT.rotSeen, slot, peers.generation[host]!);
}

export function planRot(world: World): void {
  const rate = (yearlyLossRateOf(world.options.corruption) * world.shards.host.length) / HOURS_PER_YEAR;
  if (rate > 0) world.queue.add(world.nowHours + world.random.rot.exponential(1 / rate), EVENT.rot, 0);
}

/** The host's own reading of its disk found it: it says so, and the shard is replaced. */
export function rotIsSeen(world: World, slot: number, generation: number): void {
  const { shards, peers, tallies } = world;
  const host = shards.host[slot]!;
  if (host === NO_HOST || peers.generation[host] !== generation || shards.condition[slot] !== CONDITION.rotten) return;
  tallies.shardsMissed.rotten += world.weight;
  shards.take(slot);
  shards.believe(slot, false);
  world.refreshCandidate(host);
  considerRepair(world, shards.objectOf(slot));
}

/** A free rider has been paid for taking a shard, and does not keep it. */
export function shardIsDropped(world: World, slot: number, generation: number): void {
  const { shards, peers } = world;
  const host = shards.host[slot]!;
  if (host === NO_HOST || peers.isFreeRider[host] === 0 || peers.generation[host] !== generation) return;
  if (shards.condition[slot] !== CONDITION.good) return;
  shards.turn(slot, CONDITION.dropped);
  noticeTruth(world, shards.objectOf(slot));
  planAuditHit(world, host);
}
