// How this peer is reached: what the broker says of it, and the relay that it is attached to.
import { Injectable } from '@nestjs/common';
import { Clock, Log } from '#process';
import type { PeerId, PresenceAnswer } from '#protocol';
import type { Unreached } from './decide-relay.js';

@Injectable()
export class Reachability {
  /** The relay that this peer is attached to. */
  relayId: PeerId | undefined;
  private said: boolean | null = null;
  private saidSinceMs = 0;
  private wasReachable = true;
  private unreachedNow: Unreached | null = null;
  private reachedNow = false;

  constructor(
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** Does the broker connect to this peer without a relay? Null while it did not say. */
  get direct(): boolean | null {
    return this.said;
  }

  /** Since when it has said so each time, by the monotonic clock. */
  get directSinceMs(): number {
    return this.saidSinceMs;
  }

  /** Did the last answer say that the broker reaches this peer, on any way? */
  get isReached(): boolean {
    return this.reachedNow;
  }

  /** Null where the last answer did not say that the broker does not reach this peer through its relay. */
  get unreached(): Unreached | null {
    return this.unreachedNow;
  }

  /** relayId   that the offer named; without one the broker reached, or did not reach, the peer itself */
  hear({ reachable, direct, unreachableReason }: PresenceAnswer, relayId: PeerId | undefined): void {
    this.tell(reachable !== false, unreachableReason);
    this.reachedNow = reachable === true;
    this.unreachedNow = relayId !== undefined && reachable === false ? this.unreachedAt(relayId) : null;
    const said = relayId === undefined ? reachable : direct;
    if (said === this.said) return;
    this.said = said;
    this.saidSinceMs = this.clock.monotonicMs();
  }

  private unreachedAt(relayId: PeerId): Unreached {
    const lastMs = this.clock.monotonicMs();
    const before = this.unreachedNow;
    return { relayId, firstMs: before?.relayId === relayId ? before.firstMs : lastMs, lastMs };
  }

  /** A host that the broker cannot reach gets no shards: its owner has a port to open, or a relay to use. */
  private tell(isReachable: boolean, reason: string | null): void {
    if (isReachable !== this.wasReachable) {
      if (isReachable) this.log.info({ event: 'reachable_again' });
      else this.log.warn({ event: 'not_reachable', reason });
    }
    this.wasReachable = isReachable;
  }
}
