// How this peer is reached: what the broker says of it, and the relay that it is attached to.
import { Injectable } from '@nestjs/common';
import { Clock, Log } from '#process';
import type { PeerId, PresenceAnswer } from '#protocol';

@Injectable()
export class Reachability {
  /** The relay that this peer is attached to. */
  relayId: PeerId | undefined;
  private said: boolean | null = null;
  private saidSinceMs = 0;
  private wasReachable = true;

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

  /** relayId   that the offer named; without one the broker reached, or did not reach, the peer itself */
  hear({ reachable, direct, unreachableReason }: PresenceAnswer, relayId: PeerId | undefined): void {
    this.tell(reachable !== false, unreachableReason);
    const said = relayId === undefined ? reachable : direct;
    if (said === this.said) return;
    this.said = said;
    this.saidSinceMs = this.clock.monotonicMs();
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
