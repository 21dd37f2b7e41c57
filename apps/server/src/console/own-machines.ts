// The machines of an account for its person: what they share, how they came to their states; and one is shut out.
import { Injectable } from '@nestjs/common';
import { MoreThan } from 'typeorm';
import { CERTIFICATE_LIFE_MS, formatTime, isUuidV7, type PeerId, ProtocolError } from '#protocol';
import { FRESH_SIGN_IN_MS } from '../limits.js';
import { listedPeerFrom } from '../peers/list-peers.js';
import { PeerEntity } from '../peers/peer.entity.js';
import { PeerDirectory } from '../peers/peer-directory.js';
import { findStateChanges } from '../peers/peer-history.js';
import { RevokePeer } from '../peers/revoke-peer.js';
import { OnlineHosts } from '../placement/online-hosts.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import type { Session } from '../sessions/session.js';
import { Sessions } from '../sessions/sessions.js';
import type { MachineChanges, MachinePage, MachinesQuery, OwnMachine } from './console-answers.js';
import { CONSOLE_MACHINES_PER_PAGE } from './limits.js';

@Injectable()
export class OwnMachines {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly directory: PeerDirectory,
    private readonly hosts: OnlineHosts,
    private readonly revokePeer: RevokePeer,
    private readonly sessions: Sessions,
  ) {}

  /** In the order in which they were enrolled. */
  async page({ accountId }: Session, query: MachinesQuery): Promise<MachinePage> {
    const { after, limit = CONSOLE_MACHINES_PER_PAGE } = query;
    const found = await this.database.reads.find(PeerEntity, {
      where: { accountId, ...(after !== undefined && { id: MoreThan(after) }) },
      order: { id: 'ASC' },
      take: limit + 1,
    });
    const rows = found.slice(0, limit);
    const next = found.length > limit ? (rows.at(-1)?.id ?? null) : null;
    return { items: rows.map((row) => this.machineFrom(row)), next };
  }

  /** throws peer_unknown, also for a machine of another account */
  async one(session: Session, text: string): Promise<OwnMachine> {
    const id = this.ownPeer(session, text);
    return this.machineFrom(await this.database.reads.findOneByOrFail(PeerEntity, { id }));
  }

  /** throws peer_unknown */
  async changes(session: Session, text: string): Promise<MachineChanges> {
    const found = await findStateChanges(this.database.reads, this.ownPeer(session, text));
    return { items: found.map(({ atMs, ...change }) => ({ ...change, at: formatTime(atMs) })) };
  }

  /**
   * As on the account page: for good, and only soon after the password was given.
   *
   * name     as it was typed by whoever wants that
   * throws   peer_unknown | session_stale | request_invalid for another name than the machine's
   */
  async revoke(session: Session, text: string, name: string): Promise<OwnMachine> {
    const peerId = this.ownPeer(session, text);
    if (!this.sessions.isFresh(session, FRESH_SIGN_IN_MS)) throw new ProtocolError('session_stale');
    if (this.directory.find(peerId)?.name !== name) {
      throw new ProtocolError('request_invalid', {}, { detail: 'name: not the name of this machine' });
    }
    const reason = 'revoked in the console';
    return this.machineFrom(await this.revokePeer.run({ peerId, byAccount: session.accountId, reason }));
  }

  private ownPeer({ accountId }: Session, text: string): PeerId {
    const peer = isUuidV7(text) ? this.directory.find(text as PeerId) : undefined;
    if (peer === undefined || peer.accountId !== accountId) throw new ProtocolError('peer_unknown');
    return peer.peerId;
  }

  private machineFrom(row: PeerEntity): OwnMachine {
    const { id, certificateExpiresAtMs, shareBytes, usedBytes, freeBytes } = row;
    return {
      ...listedPeerFrom(row),
      isHost: row.address !== null || shareBytes !== null,
      isOnline: this.hosts.find(id) !== undefined,
      shareBytes,
      usedBytes,
      freeBytes,
      certificateIssuedAt: formatTime(certificateExpiresAtMs - CERTIFICATE_LIFE_MS),
      certificateExpiresAt: formatTime(certificateExpiresAtMs),
    };
  }
}
