// The leases that were shown to this relay: each is checked, counted over all its streams, and told to the broker.
import type { Clock } from '#process';
import {
  CLOCK_SKEW_MS_MAX,
  checkLease,
  decodeLease,
  type LeaseExpectation,
  type LeaseId,
  ProtocolError,
  RELAY_USAGE_ITEMS_MAX,
  type RelayUsageRequest,
  type SigningKey,
  type UnixMs,
} from '#protocol';
import { LEASES_MAX } from '../limits.js';
import { LeaseUse } from './lease-use.js';

export interface LeaseBookOptions {
  readonly relay: Pick<LeaseExpectation, 'trustDomain' | 'relayId'>;
  readonly signingKeys: () => readonly SigningKey[];
  /** The broker's time, as well as this machine knows it. */
  readonly nowMs: () => UnixMs;
  readonly clock: Clock;
}

/** What the broker is told of at once, and by which leases it is marked as told. */
export interface UsagePage {
  readonly items: RelayUsageRequest['items'];
  readonly markTold: () => void;
}

export class LeaseBook {
  private readonly uses = new Map<LeaseId, LeaseUse>();

  constructor(private readonly options: LeaseBookOptions) {}

  /**
   * What has been moved under a lease, which must be for this relay and what it is shown for.
   *
   * throws   lease_invalid | lease_wrong_relay | lease_wrong_peer | lease_expired | lease_spent; relay_full
   */
  open(text: string, expected: Pick<LeaseExpectation, 'kind' | 'subject' | 'peerId'>): LeaseUse {
    const { relay, signingKeys, nowMs, clock } = this.options;
    const claims = decodeLease(text, signingKeys());
    checkLease(claims, { ...relay, ...expected, nowMs: nowMs() });
    const known = this.uses.get(claims.leaseId);
    if (known?.isSpent) throw new ProtocolError('lease_spent');
    if (known !== undefined) return known;
    if (this.uses.size >= LEASES_MAX) this.forgetEnded();
    if (this.uses.size >= LEASES_MAX) throw new ProtocolError('relay_full');
    const use = new LeaseUse(text, claims, clock);
    this.uses.set(claims.leaseId, use);
    return use;
  }

  /** Is the lease still good for what goes on under it? */
  isEnded({ claims }: LeaseUse): boolean {
    return this.options.nowMs() >= claims.expiresAtMs + CLOCK_SKEW_MS_MAX;
  }

  /** Up to a request full of leases that moved something which the broker has not heard. */
  untold(): UsagePage {
    const uses = [...this.uses.values()]
      .filter(({ ownBytes, reportedBytes }) => ownBytes > reportedBytes)
      .slice(0, RELAY_USAGE_ITEMS_MAX)
      .map((use) => ({ use, bytes: use.ownBytes }));
    return {
      items: uses.map(({ use, bytes }) => ({ lease: use.text, bytes })),
      markTold: () => {
        for (const { use, bytes } of uses) use.reportedBytes = Math.max(use.reportedBytes, bytes);
      },
    };
  }

  /** A lease that can be shown no more is forgotten when the broker has heard of all that it moved. */
  forgetEnded(): void {
    for (const [leaseId, use] of this.uses) {
      if (use.ownBytes <= use.reportedBytes && this.isEnded(use)) this.uses.delete(leaseId);
    }
  }

  get size(): number {
    return this.uses.size;
  }
}
