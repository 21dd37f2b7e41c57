// Tells a peer which relay to attach itself to, with a lease for it (SPEC §13.3).
import { Injectable } from '@nestjs/common';
import { Log } from '#process';
import { formatTime, ProtocolError, type RelayAttachmentAnswer, type RelayAttachmentRequest } from '#protocol';
import type { Caller } from '../control/caller.js';
import { PeerNames } from '../names/peer-names.js';
import { PeerEntity } from '../peers/peer.entity.js';
import { networkOfHost } from '../placement/network-of-host.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { decideRelay } from './decide-relay.js';
import { IssueLeases } from './issue-leases.js';
import { OnlineRelays } from './online-relays.js';

@Injectable()
export class AttachPeer {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly log: Log,
    private readonly settings: Settings,
    private readonly relays: OnlineRelays,
    private readonly names: PeerNames,
    private readonly leases: IssueLeases,
  ) {}

  /**
   * remoteAddress   where the peer connects from; null for a proxy's
   * throws          relay_unavailable
   */
  async run(
    { peer }: Caller,
    { avoid, stayWith, web }: RelayAttachmentRequest,
    remoteAddress: string | null,
  ): Promise<RelayAttachmentAnswer> {
    const { peerId } = peer;
    const { region } = await this.database.reads.findOneByOrFail(PeerEntity, { id: peerId });
    const { placement, relay: policy } = this.settings.policy;
    const networkOf = (address: string): string => networkOfHost({ peerId, address }, placement.networks);
    const candidates = this.relays.all().map((relay) => ({
      ...relay,
      sentThere: relay.sentThere.size,
      network: networkOf(relay.address),
    }));
    const network = remoteAddress === null ? null : networkOf(remoteAddress);
    const chosen = decideRelay(candidates, { avoid, stayWith, region, network }, Math.random);
    const relay = chosen === null ? undefined : this.relays.find(chosen.peerId);
    if (relay === undefined) throw new ProtocolError('relay_unavailable', { relays: candidates.length });
    const { peerId: relayId, address, port } = relay;
    const name = await this.names.findOrClaim(peerId, peer.name);
    const lease = this.leases.serve({ relayId, peerId, name, web: web && policy.webAllowed });
    if (relayId !== stayWith) {
      this.relays.sent(relayId, peerId);
      this.log.info({ event: 'relay_assigned', peerId, relayId, avoided: avoid.length });
    }
    return { relayId, address, port, lease: lease.text, expiresAt: formatTime(lease.expiresAtMs) };
  }
}
