// A host that wants to go gets no new shards, and keeps what it has until that is elsewhere; its owner may change their mind.
import { Injectable } from '@nestjs/common';
import { Clock, Log } from '#process';
import { type AccountId, type PeerId, ProtocolError } from '#protocol';
import { BrokerDatabase } from '../platform/broker-database.js';
import { changePeerState } from './change-peer-state.js';
import { PeerEntity } from './peer.entity.js';
import { PeerDirectory } from './peer-directory.js';

interface OwnPeer {
  readonly peerId: PeerId;
  readonly byAccount: AccountId;
  readonly reason: string;
}

@Injectable()
export class LeavePeer {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly directory: PeerDirectory,
  ) {}

  /** In force when this resolves; again: as it was the first time. throws peer_unknown | peer_revoked | peer_suspended */
  leave(peer: OwnPeer): Promise<PeerEntity> {
    return this.change(peer, 'leave');
  }

  /** Takes leaving back; one that is gone begins anew. What the operator did stays. Throws as leave does. */
  stay(peer: OwnPeer): Promise<PeerEntity> {
    return this.change(peer, 'resume');
  }

  private async change({ peerId, byAccount, reason }: OwnPeer, action: 'leave' | 'resume'): Promise<PeerEntity> {
    const atMs = this.clock.nowMs();
    const row = await this.database.write(async (db) => {
      const peer = await db.findOneBy(PeerEntity, { id: peerId });
      if (peer?.accountId === byAccount && peer.state === 'suspended') throw new ProtocolError('peer_suspended');
      return changePeerState(db, { peerId, action, by: 'owner', reason, ofAccount: byAccount, atMs });
    });
    if (this.directory.stateChanged(row)) this.log.info({ event: 'peer_state', peerId, state: row.state });
    return row;
  }
}
