// Tells a peer what the broker knows of it and of its account's credit.
import { Injectable } from '@nestjs/common';
import { Clock } from '#process';
import { CERTIFICATE_LIFE_MS, type PeerStatusAnswer } from '#protocol';
import type { Caller } from '../control/caller.js';
import { TokenIssuer } from '../keys/token-issuer.js';
import { Ledger } from '../ledger/ledger.js';
import { PeerNames } from '../names/peer-names.js';
import { countHeld } from '../objects/object-rows.js';
import { stateChangeOf } from '../peers/list-peers.js';
import { PeerEntity } from '../peers/peer.entity.js';
import { OnlineHosts } from '../placement/online-hosts.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { ProbeHosts } from '../probes/probe-hosts.js';

@Injectable()
export class TellPeerStatus {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly hosts: OnlineHosts,
    private readonly ledger: Ledger,
    private readonly tokens: TokenIssuer,
    private readonly clock: Clock,
    private readonly probes: ProbeHosts,
    private readonly names: PeerNames,
  ) {}

  async run({ peer }: Caller): Promise<PeerStatusAnswer> {
    const nowMs = this.clock.nowMs();
    const row = await this.database.reads.findOneByOrFail(PeerEntity, { id: peer.peerId });
    const held = await countHeld(this.database.reads, peer.peerId);
    const { available, reserved, used, withheld } = await this.ledger.balancesOf(this.database.reads, peer.accountId);
    return {
      peerId: peer.peerId,
      accountId: peer.accountId,
      name: peer.name,
      publicName: await this.names.find(peer.peerId),
      online: this.hosts.find(peer.peerId) !== undefined,
      ...this.probes.reachabilityOf(peer.peerId),
      storedShards: held.shards,
      storedBytes: held.bytes,
      renewCertificate: peer.certificateExpiresAtMs - nowMs <= CERTIFICATE_LIFE_MS / 2,
      renewTransactionKey: await this.tokens.isRenewalDue(peer.peerId, nowMs),
      state: row.state,
      stateChange: stateChangeOf(row),
      appendOnly: row.appendOnlyAtMs !== null,
      credit: { available: `${available}`, reserved: `${reserved}`, used: `${used}`, withheld: `${withheld}` },
    };
  }
}
