// Tells a peer what it keeps of its network, so that it can check relays and neighbours while the broker is away.
import { Injectable } from '@nestjs/common';
import { Clock } from '#process';
import { formatTime, type NetworkAnswer } from '#protocol';
import type { Caller } from '../control/caller.js';
import { PeerNames } from '../names/peer-names.js';
import { Settings } from '../platform/settings.js';
import { LanKeys } from '../signing/lan-keys.js';
import { SigningKeys } from '../signing/signing-keys.js';

@Injectable()
export class TellNetwork {
  constructor(
    private readonly clock: Clock,
    private readonly settings: Settings,
    private readonly signing: SigningKeys,
    private readonly lan: LanKeys,
    private readonly names: PeerNames,
  ) {}

  /** A relay is in no local network of peers, and has no name: it gets neither keys nor name. */
  async run({ peer }: Caller): Promise<NetworkAnswer> {
    await this.signing.tend();
    await this.lan.tend();
    const isRelay = peer.kind === 'relay';
    return {
      time: formatTime(this.clock.nowMs()),
      signingKeys: this.signing.told(),
      lanKeys: isRelay ? [] : this.lan.told(),
      publicName: isRelay ? null : await this.names.findOrClaim(peer.peerId, peer.name),
      relayDomain: this.settings.policy.relayDomain,
    };
  }
}
