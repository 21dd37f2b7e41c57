// Runs one network from its first hour to its last: takes the events in order and gives each to who knows what it means.

import { HOURS_PER_YEAR } from '#erasure';
import { auditCalms, auditHits } from './network/audits.js';
import {
  graveIsFound,
  peerComesBack,
  peerDies,
  peerGoesAway,
  peerIsWrittenOff,
  peerJoins,
  planRot,
  rotIsSeen,
  shardIsDropped,
  shardRots,
} from './network/churn.js';
import { openPurses } from './network/credits.js';
import { endDay } from './network/daily.js';
import { EVENT } from './network/events.js';
import { placeObject, repairIsDone, repairIsDue, retryRepairs } from './network/repairs.js';
import { rulesFor } from './network/rules.js';
import { World } from './network/world.js';
import type { SimulationOptions } from './options.js';

const HOURS_PER_DAY = 24;

/** everyDay   hears of each day that ended, for progress and plots */
export function runSimulation(options: SimulationOptions, everyDay: (world: World) => void = () => undefined): World {
  const world = new World(options, rulesFor(options));
  for (let peer = 0; peer < options.peers; peer++) peerJoins(world, peer, true);
  for (let object = 0; object < world.shards.objects; object++) placeObject(world, object);
  openPurses(world);
  planRot(world);
  world.queue.add(1, EVENT.tick, 0);
  world.queue.add(HOURS_PER_DAY, EVENT.day, 0);

  const endHours = options.years * HOURS_PER_YEAR;
  while (world.queue.take(endHours)) {
    world.nowHours = world.queue.atHours;
    if (world.queue.kind === EVENT.day) {
      world.queue.add(world.nowHours + HOURS_PER_DAY, EVENT.day, 0);
      endDay(world);
      everyDay(world);
    } else happen(world);
  }
  world.nowHours = endHours;
  world.tallies.objectHours += (world.shards.objects - world.tallies.objectsLost) * endHours;
  return world;
}

function happen(world: World): void {
  const { kind, subject, stamp } = world.queue;
  const isOfThisPeer = (): boolean => world.peers.generation[subject] === stamp;
  switch (kind) {
    case EVENT.away:
      if (isOfThisPeer()) peerGoesAway(world, subject);
      return;
    case EVENT.back:
      if (isOfThisPeer()) peerComesBack(world, subject);
      return;
    case EVENT.death:
      if (isOfThisPeer()) peerDies(world, subject);
      return;
    case EVENT.writeOff:
      if (isOfThisPeer()) peerIsWrittenOff(world, subject);
      return;
    case EVENT.graveFound:
      graveIsFound(world, subject);
      return;
    case EVENT.rot:
      shardRots(world);
      return;
    case EVENT.rotSeen:
      rotIsSeen(world, subject, stamp);
      return;
    case EVENT.drop:
      shardIsDropped(world, subject, stamp);
      return;
    case EVENT.auditHit:
      auditHits(world, subject, stamp);
      return;
    case EVENT.auditCalm:
      auditCalms(world, subject, stamp);
      return;
    case EVENT.repairDue:
      repairIsDue(world, subject);
      return;
    case EVENT.repairDone:
      repairIsDone(world, subject);
      return;
    case EVENT.tick:
      world.queue.add(world.nowHours + 1, EVENT.tick, 0);
      retryRepairs(world);
      return;
  }
}
