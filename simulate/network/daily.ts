// What the simulated broker looks at once a day: who has shown enough, how many audits there were, who could restore.
import { isProbationOver } from '../../apps/server/src/peers/decide-vetting.js';
import { auditsPerHour, bytesPerAudit } from './audits.js';
import { endDayOfCredits } from './credits.js';
import { STANDING } from './peers.js';
import { sweepRepairs } from './repairs.js';
import { NO_HOST, PHASE } from './shards.js';
import type { World } from './world.js';

const HOURS_PER_DAY = 24;
const HOUR_MS = 3_600_000;
/** Random objects a day whose owners are asked, so to speak, whether they could restore. */
const AVAILABILITY_SAMPLES = 1_000;

export function endDay(world: World): void {
  for (let peer = 0; peer < world.peers.count; peer++) {
    countAudits(world, peer);
    if (world.peers.standing[peer] === STANDING.vetting) endProbation(world, peer);
  }
  sweepRepairs(world);
  sampleAvailability(world);
  endDayOfCredits(world);
}

/** By its mean rate: of a day's audits, those while it was away are outcomes `offline`. */
function countAudits(world: World, peer: number): void {
  const { tallies, peers } = world;
  const asked = auditsPerHour(world, peer) * HOURS_PER_DAY;
  tallies.audits += asked;
  tallies.auditsOffline += asked * (1 - peers.uptime[peer]!);
  tallies.auditBytes += asked * peers.uptime[peer]! * bytesPerAudit(world.shardBytes);
}

function endProbation(world: World, peer: number): void {
  const { peers, rules, audits, nowHours } = world;
  const hours = nowHours - peers.joinedAtHours[peer]!;
  const uptime = peers.uptime[peer]!;
  const host = {
    enrolledAtMs: peers.joinedAtHours[peer]! * HOUR_MS,
    uptime,
    answers: (hours * uptime * HOUR_MS) / rules.policy.probeIntervalMs,
    auditsPassed: auditsPerHour(world, peer) * hours * uptime,
    isInGoodStanding: audits.verdict[peer] === 'ok',
  };
  if (!isProbationOver(host, rules.policy.vetting, nowHours * HOUR_MS)) return;
  peers.standing[peer] = STANDING.active;
  peers.candidates[peer]!.isVetted = true;
}

function sampleAvailability(world: World): void {
  const { shards, peers, random, code, tallies } = world;
  for (let sample = 0; sample < AVAILABILITY_SAMPLES; sample++) {
    const object = random.samples.below(shards.objects);
    if (shards.phase[object] === PHASE.lost) continue;
    const online = shards.slotsOf(object).filter((slot) => {
      const host = shards.host[slot]!;
      return host !== NO_HOST && peers.isOnline[host] === 1 && shards.isGood(slot);
    });
    tallies.availabilitySamples++;
    if (online.length < code.dataShards) tallies.unavailableSamples++;
  }
}
