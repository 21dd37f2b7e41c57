// Which relay a peer is sent to: one that is well and has room, near it if there is one, and not always the same. Pure.
import type { PeerId } from '#protocol';

export interface RelayCandidate {
  readonly peerId: PeerId;
  readonly peers: number;
  readonly sentThere: number;
  readonly peersMax: number;
  readonly isEnding: boolean;
  readonly isDrained: boolean;
  readonly region: string | null;
  /** The network that it is in, as placement tells networks apart. */
  readonly network: string;
}

export interface RelayWish {
  /** Relays that just failed this peer. */
  readonly avoid: readonly PeerId[];
  readonly stayWith: PeerId | null;
  readonly region: string | null;
  /** Null where the broker does not see where the peer connects from. */
  readonly network: string | null;
}

/** A near relay is taken before one that is further away until it is so full. */
const NEAR_LOAD_MAX = 0.8;
/** Loads that differ by less are the same: among those chance decides, so that peers who come at once do not all meet. */
const SAME_LOAD = 0.05;

/** 0 for an empty relay, 1 for a full one. */
export function loadOf({ peers, sentThere, peersMax }: RelayCandidate): number {
  return (peers + sentThere) / peersMax;
}

/** Takes peers: neither full, nor stopping, nor drained. */
export function takesPeers(relay: RelayCandidate): boolean {
  return !relay.isEnding && !relay.isDrained && loadOf(relay) < 1;
}

/**
 * returns  null where none takes this peer
 * random   in [0, 1)
 */
export function decideRelay(
  relays: readonly RelayCandidate[],
  wish: RelayWish,
  random: () => number,
): RelayCandidate | null {
  const usable = relays.filter(({ peerId }) => !wish.avoid.includes(peerId));
  const kept = usable.find(({ peerId }) => peerId === wish.stayWith);
  // It has its place already, however full the relay is.
  if (kept !== undefined && !kept.isEnding && !kept.isDrained) return kept;
  const open = usable.filter(takesPeers);
  const near = open.filter((relay) => isNear(relay, wish) && loadOf(relay) < NEAR_LOAD_MAX);
  const among = near.length > 0 ? near : open;
  const least = Math.min(...among.map(loadOf));
  const equals = among.filter((relay) => loadOf(relay) <= least + SAME_LOAD);
  return equals[Math.floor(random() * equals.length)] ?? null;
}

function isNear(relay: RelayCandidate, { region, network }: RelayWish): boolean {
  return (region !== null && relay.region === region) || (network !== null && relay.network === network);
}
