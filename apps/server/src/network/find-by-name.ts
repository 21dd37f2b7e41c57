// Whose a name is, and where visitors find it: the page of the peer on the relay that serves it (F2).
import { Injectable } from '@nestjs/common';
import { type NameAnswer, type PeerId, peerNameField } from '#protocol';
import { PeerNames } from '../names/peer-names.js';
import { OnlineHosts } from '../placement/online-hosts.js';
import { Settings } from '../platform/settings.js';
import { type OnlineRelay, OnlineRelays } from '../relays/online-relays.js';

const HTTPS_PORT = 443;

@Injectable()
export class FindByName {
  constructor(
    private readonly names: PeerNames,
    private readonly hosts: OnlineHosts,
    private readonly relays: OnlineRelays,
    private readonly settings: Settings,
  ) {}

  /** Null for a name that nobody has, also for what can be no name. */
  async run(name: string): Promise<NameAnswer | null> {
    if (!peerNameField.safeParse(name).success) return null;
    const peerId = await this.names.ownerOf(name);
    if (peerId === null) return null;
    const relay = this.relayOf(peerId);
    return {
      name,
      peerId,
      url: relay === null ? null : this.urlOf(name, relay),
      relay: relay === null ? null : { address: relay.address, port: relay.port },
    };
  }

  /** Null while no relay that is there serves the peer. */
  private relayOf(peerId: PeerId): OnlineRelay | null {
    const relayId = this.hosts.find(peerId)?.relayId ?? null;
    return relayId === null ? null : (this.relays.find(relayId) ?? null);
  }

  private urlOf(name: string, { webPort }: OnlineRelay): string | null {
    const { relayDomain, relay } = this.settings.policy;
    if (relayDomain === null || webPort === null || !relay.webAllowed) return null;
    return `https://${name}.${relayDomain}${webPort === HTTPS_PORT ? '' : `:${webPort}`}/`;
  }
}
