// What is counted while the network runs; bytes and shards are those of the whole network, not of the followed objects.

export class Tallies {
  deaths = 0;
  /** Of them those that the broker has missed. */
  deathsMissed = 0;
  outages = 0;
  /** Peers that were away for so long that the broker did without them, and came back after all. */
  falseAlarms = 0;

  objectsLost = 0;
  /** Followed objects times the hours that they were there. */
  objectHours = 0;
  readonly lostAtHours: number[] = [];
  /** Of random objects at random times: too few shards on hosts that are online. */
  availabilitySamples = 0;
  unavailableSamples = 0;

  /** Shards that the broker had to do without, by cause. */
  readonly shardsMissed = { dead: 0, away: 0, rotten: 0, dropped: 0, suspended: 0 };
  rotted = 0;

  repairs = 0;
  repairedShards = 0;
  repairReadBytes = 0;
  repairWrittenBytes = 0;
  /** Repairs that found too few hosts online, and those after which a shard was still missing. */
  repairsWithoutSources = 0;
  repairsIncomplete = 0;
  repairsWaitingMax = 0;
  /** From the loss that made a repair due until it was done. */
  readonly repairHours: number[] = [];

  /** Bytes of credit that moved. */
  readonly credit = { earn: 0, vest: 0, withhold: 0, forfeit: 0, lapse: 0, toFreeRiders: 0 };

  /** Asked, and of them those that met nobody; by their mean rates, and so no whole numbers. */
  audits = 0;
  auditsOffline = 0;
  auditsFailed = 0;
  auditBytes = 0;
  freeRidersJoined = 0;
  readonly freeRiderHours: number[] = [];
  honestSuspended = 0;
}
