// Tells a peer what the broker knows of it and of its account's credit.
import { Injectable } from '@nestjs/common';
import type { PeerStatusAnswer } from '#protocol';
import type { Caller } from '../control/caller.js';
import { Ledger } from '../ledger/ledger.js';
import { countHeld } from '../objects/object-rows.js';
import { OnlineHosts } from '../placement/online-hosts.js';
import { BrokerDatabase } from '../platform/broker-database.js';

@Injectable()
export class TellPeerStatus {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly hosts: OnlineHosts,
    private readonly ledger: Ledger,
  ) {}

  async run({ peer }: Caller): Promise<PeerStatusAnswer> {
    const held = await countHeld(this.database.reads, peer.peerId);
    const { available, reserved, earned } = await this.ledger.balancesOf(this.database.reads, peer.accountId);
    return {
      peerId: peer.peerId,
      accountId: peer.accountId,
      name: peer.name,
      online: this.hosts.find(peer.peerId) !== undefined,
      storedShards: held.shards,
      storedBytes: held.bytes,
      credit: { available: `${available}`, reserved: `${reserved}`, earned: `${earned}` },
    };
  }
}
