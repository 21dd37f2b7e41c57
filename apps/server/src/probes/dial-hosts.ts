// How the broker connects to hosts: where they connect from, or through the relay that they are attached to; by the guard
// either way.
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { type Dial, type LinkIdentity, RelayDialer } from '#peer-link';
import { Clock } from '#process';
import type { PeerAddress } from '#protocol';
import { GuardedConnect } from '../platform/guarded-connect.js';

@Injectable()
export class DialHosts implements OnModuleDestroy {
  /** Made when the first host is reached through a relay. */
  private relays: RelayDialer | null = null;

  constructor(
    private readonly guard: GuardedConnect,
    private readonly clock: Clock,
  ) {}

  onModuleDestroy(): void {
    this.relays?.close();
  }

  /** May the broker connect to what is on the way to this host? */
  allows({ relay, ...host }: PeerAddress): boolean {
    return this.guard.allows(relay ?? host);
  }

  /**
   * Connects to one host, whatever it is told of its address. TLS with the host itself is spoken in what it gives.
   *
   * identity   the broker's own, whose certificate may be renewed while it is kept
   */
  dialTo({ peerId, relay }: PeerAddress, identity: LinkIdentity): Dial {
    if (relay === undefined) return this.guard.dial;
    this.relays ??= new RelayDialer({ identity, clock: this.clock, dial: this.guard.dial });
    const { relays } = this;
    return () => relays.open(relay, peerId);
  }
}
