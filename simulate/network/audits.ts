// Audits of the simulated hosts, by the broker's own rates, outcomes and scores.
//
// An audit that a host passes changes little, so only those that it cannot pass are events: they come at the rate of its
// audits times the share of its bytes that it no longer has. The passed ones in between are counted, and go through
// decideAuditScore one by one when the next failed one comes.

import { HOURS_PER_YEAR, yearlyLossRateOf } from '#erasure';
import { BLOCK_BYTES, blocksOf } from '#protocol';
import { auditsPerDay } from '../../apps/server/src/audits/decide-audit.js';
import { decideAuditOutcome } from '../../apps/server/src/audits/decide-audit-outcome.js';
import { decideAuditScore, newAuditScore, verdictOf } from '../../apps/server/src/audits/decide-audit-score.js';
import { EVENT } from './events.js';
import { STANDING } from './peers.js';
import { considerRepair } from './repairs.js';
import { CONDITION } from './shards.js';
import type { World } from './world.js';

const HOURS_PER_DAY = 24;
const HASH_BYTES = 32;
const MISSING = { kind: 'missing', code: 'shard_corrupt' } as const;
const FIRST_ASKED = { unanswered: 0, containedSinceMs: null };
/** After so many good audits in a row a score has forgotten everything else. */
const GOOD_AUDITS_MAX = 4_000;

/** A newcomer: nothing is known. */
export function forgetAudits(world: World, peer: number): void {
  const { audits, rules } = world;
  audits.score[peer] = newAuditScore(rules.audits);
  audits.verdict[peer] = 'ok';
  audits.scoredAtHours[peer] = world.nowHours;
  audits.plan[peer]! += 1;
  audits.isPlanned[peer] = 0;
}

/** Audits of a host in an hour while it is online. */
export function auditsPerHour(world: World, peer: number): number {
  const { shards, audits, rules, peers } = world;
  if (!rules.audits.on || peers.standing[peer] === STANDING.suspended) return 0;
  const heldBytes = shards.heldBy[peer]! * world.weighedShardBytes;
  return auditsPerDay({ heldBytes, verdict: audits.verdict[peer]! }, rules.audits) / HOURS_PER_DAY;
}

/** Bytes that one audit moves: a block and its path up the Merkle tree. */
export function bytesPerAudit(shardBytes: number): number {
  return Math.min(shardBytes, BLOCK_BYTES) + HASH_BYTES * Math.ceil(Math.log2(blocksOf(shardBytes)));
}

/** Anew: how much a host lacks, or how often it is asked, has changed. */
export function planAuditHit(world: World, peer: number): void {
  const { audits } = world;
  audits.plan[peer]! += 1;
  audits.isPlanned[peer] = 0;
  if (audits.verdict[peer] === 'suspicious') planCalm(world, peer);
  const perHour = auditsPerHour(world, peer) * lackingShare(world, peer).total;
  if (perHour === 0) return;
  const inHours = world.random.audits.exponential(1 / perHour);
  world.queue.add(world.nowHours + inHours, EVENT.auditHit, peer, audits.plan[peer]!);
  audits.isPlanned[peer] = 1;
}

/** It is back; while it was away no audit could find anything. */
export function resumeAudits(world: World, peer: number): void {
  if (world.audits.isPlanned[peer] === 0) planAuditHit(world, peer);
}

/** An audit asks for bytes that the host no longer has. */
export function auditHits(world: World, peer: number, plan: number): void {
  const { audits, peers, rules, tallies } = world;
  if (audits.plan[peer] !== plan) return;
  audits.isPlanned[peer] = 0;
  if (peers.isOnline[peer] === 0) return;
  countGoodAudits(world, peer);
  const facts = { nowMs: 0, isBrokerAtFault: false, challenge: FIRST_ASKED };
  const outcome = decideAuditOutcome(MISSING, facts, rules.audits);
  const { score, verdict } = decideAuditScore(audits.score[peer]!, outcome, rules.audits);
  audits.score[peer] = score;
  audits.verdict[peer] = verdict;
  tallies.auditsFailed++;
  loseFound(world, peer);
  if (verdict === 'suspend') {
    suspend(world, peer);
    return;
  }
  planAuditHit(world, peer);
}

/** Every good audit until then has come, and none failed: the host is asked as seldom as others again. */
export function auditCalms(world: World, peer: number, plan: number): void {
  if (world.audits.plan[peer] !== plan) return;
  planAuditHit(world, peer);
}

function planCalm(world: World, peer: number): void {
  const { audits, rules, peers } = world;
  countGoodAudits(world, peer);
  if (audits.verdict[peer] !== 'suspicious') return;
  let score = audits.score[peer]!;
  let asked = 0;
  while (asked < GOOD_AUDITS_MAX && verdictOf(score, rules.audits) === 'suspicious') {
    score = decideAuditScore(score, 'ok', rules.audits).score;
    asked++;
  }
  const perHour = auditsPerHour(world, peer) * peers.uptime[peer]!;
  world.queue.add(world.nowHours + (asked + 0.5) / perHour, EVENT.auditCalm, peer, audits.plan[peer]!);
}

/** The good audits since the last look, as many as there must have been on average. */
function countGoodAudits(world: World, peer: number): void {
  const { audits, rules, peers } = world;
  const hours = world.nowHours - audits.scoredAtHours[peer]!;
  const expected = Math.min(GOOD_AUDITS_MAX, auditsPerHour(world, peer) * hours * peers.uptime[peer]!);
  const count = Math.floor(expected + world.random.audits.next());
  let judged = { score: audits.score[peer]!, verdict: audits.verdict[peer]! };
  for (let audit = 0; audit < count; audit++) judged = decideAuditScore(judged.score, 'ok', rules.audits);
  audits.score[peer] = judged.score;
  audits.verdict[peer] = judged.verdict;
  audits.scoredAtHours[peer] = world.nowHours;
}

/** What a host lacks, as shares of what it was given; each followed shard stands for `weight` shards. */
function lackingShare(world: World, peer: number): { total: number; dropped: number; followedRot: number } {
  const { shards, weight, options } = world;
  const held = shards.heldBy[peer]!;
  if (held === 0) return { total: 0, dropped: 0, followedRot: 0 };
  const dropped = shards.droppedBy[peer]! / held;
  const followedRot = shards.rottenAt[peer]! / (held * weight);
  const rotYears = Math.min(
    (world.nowHours - world.peers.joinedAtHours[peer]!) / HOURS_PER_YEAR,
    options.scrubDays === 0 ? Number.POSITIVE_INFINITY : (options.scrubDays * HOURS_PER_DAY) / HOURS_PER_YEAR / 2,
  );
  const otherRot = (1 - 1 / weight) * yearlyLossRateOf(options.corruption) * rotYears;
  return { total: Math.min(1, dropped + followedRot + otherRot), dropped, followedRot };
}

/** The shard that the audit asked for is lost; it is a followed one as often as those are among all that are lacking. */
function loseFound(world: World, peer: number): void {
  const { shards, random, weight, tallies } = world;
  const { total, dropped, followedRot } = lackingShare(world, peer);
  const luck = random.audits.next() * total;
  const isFollowedDrop = luck < dropped / weight;
  if (!isFollowedDrop && luck >= dropped / weight + followedRot) return;
  const condition = isFollowedDrop ? CONDITION.dropped : CONDITION.rotten;
  const found = [...shards.heldSlots(peer)].filter((slot) => shards.condition[slot] === condition);
  const slot = found[random.audits.below(found.length)]!;
  tallies.shardsMissed[isFollowedDrop ? 'dropped' : 'rotten'] += weight;
  shards.take(slot);
  shards.believe(slot, false);
  world.refreshCandidate(peer);
  considerRepair(world, shards.objectOf(slot));
}

/** No host any more: what it still has may be read, and is put elsewhere. */
function suspend(world: World, peer: number): void {
  const { peers, shards, tallies } = world;
  peers.standing[peer] = STANDING.suspended;
  world.refreshCandidate(peer);
  if (peers.isFreeRider[peer] === 1) tallies.freeRiderHours.push(world.nowHours - peers.joinedAtHours[peer]!);
  else tallies.honestSuspended++;
  for (const slot of shards.heldSlots(peer)) {
    tallies.shardsMissed.suspended += world.weight * shards.isBelieved[slot]!;
    shards.believe(slot, false);
    considerRepair(world, shards.objectOf(slot));
  }
}
