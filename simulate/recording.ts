// How the network fared over time, in at most some hundred points: what the plots show.

import type { World } from './network/world.js';
import type { SimulationOptions } from './options.js';

const POINTS_MAX = 120;
const DAYS_PER_YEAR = 365;

export interface Point {
  readonly day: number;
  readonly peersOnline: number;
  readonly objectsLost: number;
  /** Shares of the followed objects, by how many good shards they lack: none, one, two, three and more; not the lost. */
  readonly lacking: readonly [number, number, number, number];
  readonly repairsWaiting: number;
  readonly freeRiders: number;
  /** A day, on average since the point before. */
  readonly repairBytesPerDay: number;
  readonly credit: Readonly<Record<'earn' | 'vest' | 'withhold' | 'forfeit' | 'lapse', number>>;
}

export class Recording {
  readonly points: Point[] = [];
  private readonly everyDays: number;
  private days = 0;
  private repairBytes = 0;
  private credit = { earn: 0, vest: 0, withhold: 0, forfeit: 0, lapse: 0 };

  constructor({ years }: SimulationOptions) {
    this.everyDays = Math.max(1, Math.ceil((years * DAYS_PER_YEAR) / POINTS_MAX));
  }

  endDay(world: World): void {
    if (++this.days % this.everyDays !== 0) return;
    const { tallies, peers, desk } = world;
    const repairBytes = tallies.repairReadBytes + tallies.repairWrittenBytes;
    const { toFreeRiders: _, ...credit } = tallies.credit;
    const perDay = (now: number, before: number): number => Math.round((now - before) / this.everyDays);
    this.points.push({
      day: this.days,
      peersOnline: peers.onlineCount,
      objectsLost: tallies.objectsLost,
      lacking: lackingShares(world),
      repairsWaiting: desk.waitingCount,
      freeRiders: peers.countFreeRiders(),
      repairBytesPerDay: perDay(repairBytes, this.repairBytes),
      credit: {
        earn: perDay(credit.earn, this.credit.earn),
        vest: perDay(credit.vest, this.credit.vest),
        withhold: perDay(credit.withhold, this.credit.withhold),
        forfeit: perDay(credit.forfeit, this.credit.forfeit),
        lapse: perDay(credit.lapse, this.credit.lapse),
      },
    });
    this.repairBytes = repairBytes;
    this.credit = credit;
  }
}

function lackingShares({ shards, tallies, code }: World): [number, number, number, number] {
  const living = shards.objects - tallies.objectsLost;
  const shares: [number, number, number, number] = [0, 0, 0, 0];
  for (let intact = code.dataShards; intact <= code.totalShards; intact++)
    shares[Math.min(3, code.totalShards - intact)]! += shards.objectsByIntact[intact]! / Math.max(1, living);
  return shares.map((share) => Number(share.toPrecision(6))) as [number, number, number, number];
}
