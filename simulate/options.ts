// What a simulation is asked to do: every number that shapes the network, with its default. Pure.

export interface Code {
  readonly dataShards: number;
  readonly totalShards: number;
}

export interface SimulationOptions {
  readonly peers: number;
  readonly years: number;
  /** Share of the peers that is lost for good in a year; each is replaced by a new one. */
  readonly churn: number;
  /** Mean share of the time that a peer is online, and how long it is away at a time. */
  readonly uptime: number;
  readonly outageHours: number;
  /** null: what decideRedundancy chooses from the default policy. */
  readonly code: Code | null;
  /** Durability class of the policy. */
  readonly class: string | null;
  /** Objects that are followed one by one, for each peer. */
  readonly objectsPerPeer: number;
  readonly objectBytes: number;
  /** What a peer backs up in truth; each followed object stands for as many as it takes. */
  readonly storedBytesPerPeer: number;
  /** What a peer offers to others. */
  readonly offeredBytesPerPeer: number;
  readonly seed: number;
  /** Bytes a second that a peer gives to repair. */
  readonly repairBandwidth: number;
  /** In place of the policy's waiting and of bandwidth: exponential repair times of this mean, of all that is missing. */
  readonly repairHours: number | null;
  /** In place of the policy's decision: repair when so many shards or fewer are left. */
  readonly repairAt: number | null;
  /** In place of the policy's: a peer that is away for so long is done without, one that is lost is missed then. */
  readonly missedAfterHours: number | null;
  /** Audits of a host in a day; null: the default policy's. 0: none. */
  readonly auditRate: number | null;
  /** Share of the shards that rot on their disks in a year. */
  readonly corruption: number;
  /** Share of the peers that take shards and drop some, and how many of them. */
  readonly suspicious: number;
  readonly dropped: number;
  /** A host reads all of its shards once in so many days, and reports those that rotted; 0: never. */
  readonly scrubDays: number;
}

export const DEFAULT_OPTIONS: SimulationOptions = {
  peers: 1_000,
  years: 1,
  churn: 0.2,
  uptime: 0.9,
  outageHours: 8,
  code: null,
  class: null,
  objectsPerPeer: 10,
  objectBytes: 16 * 1024 ** 2,
  storedBytesPerPeer: 100e9,
  offeredBytesPerPeer: 500e9,
  seed: 1,
  repairBandwidth: 1e6,
  repairHours: null,
  repairAt: null,
  missedAfterHours: null,
  auditRate: null,
  corruption: 0.001,
  suspicious: 0.01,
  dropped: 0.5,
  scrubDays: 30,
};
