// The peers of the simulated network, in typed arrays by number; a peer that is lost leaves its number to a newcomer.
import type { AccountId, PeerId } from '#protocol';
import type { Candidate } from '../../apps/server/src/placement/place-shards.js';

export const STANDING = { vetting: 0, active: 1, suspended: 2 } as const;

/** What placement sees of a peer, kept up to date in place: a pool that holds it is never wrong about its room. */
export type LiveCandidate = { -readonly [Field in keyof Candidate]: Candidate[Field] };

const BITS_PER_OCTET = 8;

export class Peers {
  /** Which newcomer has the number: what was planned for one before it is void. */
  readonly generation: Int32Array;
  readonly isOnline: Uint8Array;
  readonly standing: Uint8Array;
  readonly isFreeRider: Uint8Array;
  readonly joinedAtHours: Float64Array;
  readonly awaySinceHours: Float64Array;
  /** Mean share of the time that it is there. */
  readonly uptime: Float64Array;
  readonly candidates: LiveCandidate[] = [];
  onlineCount = 0;

  constructor(
    readonly count: number,
    readonly offeredBytes: number,
  ) {
    this.generation = new Int32Array(count);
    this.isOnline = new Uint8Array(count);
    this.standing = new Uint8Array(count);
    this.isFreeRider = new Uint8Array(count);
    this.joinedAtHours = new Float64Array(count);
    this.awaySinceHours = new Float64Array(count);
    this.uptime = new Float64Array(count);
    for (let peer = 0; peer < count; peer++) this.candidates.push(candidateOf(peer));
  }

  setOnline(peer: number, isOnline: boolean): void {
    this.onlineCount += Number(isOnline) - this.isOnline[peer]!;
    this.isOnline[peer] = Number(isOnline);
  }

  /** Those that nobody has found out. */
  countFreeRiders(): number {
    let count = 0;
    for (let peer = 0; peer < this.count; peer++)
      if (this.isFreeRider[peer] === 1 && this.standing[peer] !== STANDING.suspended) count++;
    return count;
  }

  /** A host that placement may use: there, and not shut out. */
  mayHost(peer: number): boolean {
    return this.isOnline[peer] === 1 && this.standing[peer] !== STANDING.suspended;
  }
}

export function idOf(peer: number): PeerId {
  return `peer-${peer}` as PeerId;
}

export function accountOf(peer: number): AccountId {
  return `account-${peer}` as AccountId;
}

export function numberOf(peerId: PeerId): number {
  return Number(peerId.slice('peer-'.length));
}

/** Every peer has an operator and a network of its own: what the simulator assumes, and docs/durability.md says. */
function candidateOf(peer: number): LiveCandidate {
  const octets = [2, 1, 0].map((octet) => (peer >>> (octet * BITS_PER_OCTET)) & 0xff);
  return {
    peerId: idOf(peer),
    accountId: accountOf(peer),
    network: `${octets.join('.')}.0/24`,
    availableBytes: 0,
    uptime: 1,
    bytesPerSecond: null,
    isVetted: true,
    region: null,
  };
}
