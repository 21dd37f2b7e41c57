// A peer says that it is there and what it offers; the broker notes from where, and says what is due.
import { Injectable } from '@nestjs/common';
import { Clock, Log } from '#process';
import {
  CERTIFICATE_LIFE_MS,
  formatTime,
  type HostOffer,
  type PeerAddress,
  type PresenceAnswer,
  type PresenceRequest,
} from '#protocol';
import type { Caller } from '../control/caller.js';
import { TokenIssuer } from '../keys/token-issuer.js';
import { PeerEntity } from '../peers/peer.entity.js';
import { OnlineHosts } from '../placement/online-hosts.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { isHostAddress, plainAddress } from './judge-address.js';

@Injectable()
export class RecordPresence {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly settings: Settings,
    private readonly hosts: OnlineHosts,
    private readonly tokens: TokenIssuer,
  ) {}

  /** remoteAddress: where the connection came from. Others are sent there, never to an address that a peer claims. */
  async run(caller: Caller, request: PresenceRequest, remoteAddress: string): Promise<PresenceAnswer> {
    const { peer } = caller;
    const nowMs = this.clock.nowMs();
    const host = this.hostAddressOf(caller, request.host, plainAddress(remoteAddress));
    await this.database.write((db) =>
      db.update(
        PeerEntity,
        { id: peer.peerId },
        {
          seenAtMs: nowMs,
          address: host?.address ?? null,
          port: host?.port ?? null,
          shareBytes: request.host?.shareBytes ?? null,
          usedBytes: request.host?.usedBytes ?? null,
          freeBytes: request.host?.freeBytes ?? null,
        },
      ),
    );
    if (host === null || request.host === null) this.hosts.left(peer.peerId);
    else {
      const { freeBytes } = request.host;
      this.hosts.seen({ ...host, accountId: peer.accountId, freeBytes, seenAtMs: nowMs });
    }
    return {
      time: formatTime(nowMs),
      nextPresenceMs: this.settings.policy.presenceIntervalMs,
      address: host,
      renewCertificate: peer.certificateExpiresAtMs - nowMs <= CERTIFICATE_LIFE_MS / 2,
      renewTransactionKey: await this.tokens.isRenewalDue(peer.peerId, nowMs),
    };
  }

  private hostAddressOf({ peer }: Caller, offer: HostOffer | null, address: string): PeerAddress | null {
    if (offer === null) return null;
    if (isHostAddress(address, this.settings.hostAddressRanges)) {
      return { peerId: peer.peerId, address, port: offer.listenPort };
    }
    this.log.warn({ event: 'host_address_refused', peerId: peer.peerId });
    return null;
  }
}
