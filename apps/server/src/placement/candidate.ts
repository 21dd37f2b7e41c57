// What a placement knows of a host, and what a client may wish of the hosts of its shards.
import type { AccountId, PeerId } from '#protocol';

export interface Candidate {
  readonly peerId: PeerId;
  /** Its operator: machines of one account are likely to be lost together. */
  readonly accountId: AccountId;
  /** The /24 or /48 that it is reached in; machines of one network are likely to be one attacker's. */
  readonly network: string;
  /** Free space that no other placement has been promised. */
  readonly availableBytes: number;
  /** How much of the time it was there: 0 to 1. */
  readonly uptime: number;
  /** As it was measured; null where nobody has measured yet. */
  readonly bytesPerSecond: number | null;
  /** It has shown for long enough that it keeps what it is given. */
  readonly isVetted: boolean;
  readonly region: string | null;
}

/** A host that holds, or is about to hold, another shard of the object. `network` is null where it is not known. */
export interface Holder extends Pick<Candidate, 'peerId' | 'accountId' | 'isVetted'> {
  readonly network: string | null;
}

/** Filters: a host that does not pass gets no shard. What is left out lets everybody pass. */
export interface Wishes {
  readonly regions?: readonly string[];
  /** Members of the client's group. */
  readonly peers?: ReadonlySet<PeerId>;
}

export function passes({ peerId, region }: Pick<Candidate, 'peerId' | 'region'>, { regions, peers }: Wishes): boolean {
  if (peers !== undefined && !peers.has(peerId)) return false;
  return regions === undefined || (region !== null && regions.includes(region));
}
