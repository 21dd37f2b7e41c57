// A peer says that it is there and what it offers; the broker notes from where, and says what is due.
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock, Log } from '#process';
import {
  CERTIFICATE_LIFE_MS,
  formatTime,
  type HostOffer,
  type PeerAddress,
  type PeerId,
  type PresenceAnswer,
  type PresenceRequest,
  ProtocolError,
} from '#protocol';
import type { Caller } from '../control/caller.js';
import { TokenIssuer } from '../keys/token-issuer.js';
import { PeerEntity } from '../peers/peer.entity.js';
import { PeerDirectory } from '../peers/peer-directory.js';
import { WithdrawnTokensOfPeers } from '../peers/withdrawn-tokens.js';
import { OnlineHosts } from '../placement/online-hosts.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { ProbeHosts } from '../probes/probe-hosts.js';
import { DirectWays } from '../relays/direct-ways.js';
import { decideHome, type KnownRun } from './decide-home.js';
import { isHostAddress } from './judge-address.js';

@Injectable()
export class RecordPresence {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly settings: Settings,
    private readonly hosts: OnlineHosts,
    private readonly tokens: TokenIssuer,
    private readonly withdrawn: WithdrawnTokensOfPeers,
    private readonly probes: ProbeHosts,
    private readonly directory: PeerDirectory,
    private readonly direct: DirectWays,
  ) {}

  /**
   * remoteAddress   where the connection came from; null for a proxy's. Others are sent there, never to an address that a
   *                 peer claims
   */
  async run(caller: Caller, request: PresenceRequest, remoteAddress: string | null): Promise<PresenceAnswer> {
    const { peer } = caller;
    const nowMs = this.clock.nowMs();
    const host = this.hostAddressOf(caller, request.host, remoteAddress);
    const relayId = this.relayOf(caller, request.host);
    const run = await this.database.write(async (db) => {
      const next = await this.acknowledge(db, peer.peerId, request);
      await db.update(
        PeerEntity,
        { id: peer.peerId },
        {
          ...(next === null ? {} : { homeEpoch: next.epoch, homeRunId: next.runId }),
          seenAtMs: nowMs,
          address: host?.address ?? null,
          port: host?.port ?? null,
          relayId: host === null ? null : relayId,
          shareBytes: request.host?.shareBytes ?? null,
          usedBytes: request.host?.usedBytes ?? null,
          freeBytes: request.host?.freeBytes ?? null,
          region: request.host?.region ?? null,
        },
      );
      return next;
    });
    if (host === null || request.host === null) this.hosts.left(peer.peerId);
    else {
      const { freeBytes, region = null } = request.host;
      const isBack = this.hosts.find(peer.peerId) === undefined;
      const seen = { ...host, accountId: peer.accountId, relayId, freeBytes, region, seenAtMs: nowMs };
      this.hosts.seen(seen);
      await this.probes.onPresence(seen, isBack);
    }
    return {
      time: formatTime(nowMs),
      nextPresenceMs: this.settings.policy.presenceIntervalMs,
      address: host,
      renewCertificate: peer.certificateExpiresAtMs - nowMs <= CERTIFICATE_LIFE_MS / 2,
      renewTransactionKey: await this.tokens.isRenewalDue(peer.peerId, nowMs),
      epoch: run?.epoch ?? null,
      withdrawn: this.withdrawn.at(nowMs),
      ...this.probes.reachabilityOf(peer.peerId),
      direct: host === null || relayId === null ? null : this.direct.isDirect(host),
    };
  }

  /** The run of a home is acknowledged in the unit that makes it the last one. Throws home_restored. */
  private async acknowledge(
    db: EntityManager,
    peerId: PeerId,
    { host, home = null }: PresenceRequest,
  ): Promise<KnownRun | null> {
    const { homeEpoch: epoch, homeRunId: runId } = await db.findOneByOrFail(PeerEntity, { id: peerId });
    const known = epoch === null || runId === null ? null : { epoch, runId };
    if (home === null) {
      // Leaving needs no acknowledgement; a home that had one shows it with its offers.
      if (host === null || known === null) return null;
      throw new ProtocolError('home_restored');
    }
    const decision = decideHome(known, home);
    if (!decision.ok) {
      this.log.warn({ event: 'home_restored', peerId, epoch: home.epoch, knownEpoch: known?.epoch ?? null });
      throw new ProtocolError(decision.code);
    }
    if (decision.isAhead) this.log.warn({ event: 'home_epoch_forgotten', peerId, epoch: home.epoch });
    return decision.next;
  }

  /** Whether it is attached there the next probe shows; what is no relay at all is no way. */
  private relayOf({ peer }: Caller, offer: HostOffer | null): PeerId | null {
    const relayId = offer?.relayId ?? null;
    if (relayId === null || this.directory.find(relayId)?.kind === 'relay') return relayId;
    this.log.warn({ event: 'relay_unknown', peerId: peer.peerId, relayId });
    return null;
  }

  private hostAddressOf({ peer }: Caller, offer: HostOffer | null, address: string | null): PeerAddress | null {
    if (offer === null) return null;
    if (address !== null && isHostAddress(address, this.settings.hostAddressRanges)) {
      return { peerId: peer.peerId, address, port: offer.listenPort };
    }
    this.log.warn({ event: 'host_address_refused', peerId: peer.peerId, isProxy: address === null });
    return null;
  }
}
