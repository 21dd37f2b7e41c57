// What the operator does to a peer: shut it out, let it in again, have it take another transaction key.
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type PeerId, ProtocolError } from '#protocol';
import { changePeerState } from '../../peers/change-peer-state.js';
import type { PeerAction } from '../../peers/decide-peer-state.js';
import { PeerEntity } from '../../peers/peer.entity.js';
import type { AdminCaller } from '../access/admin-caller.js';
import { MakeChange } from '../changes/make-change.js';
import { LiveBroker } from '../live-broker.js';
import type { KnownPeerAnswer } from './peer-answers.js';
import { ReadPeers } from './read-peers.js';

@Injectable()
export class ChangePeer {
  constructor(
    private readonly changes: MakeChange,
    private readonly peers: ReadPeers,
    private readonly live: LiveBroker,
  ) {}

  /** In force when this resolves. throws peer_unknown | peer_revoked */
  state(admin: AdminCaller, peerId: PeerId, action: PeerAction, reason: string): Promise<KnownPeerAnswer> {
    return this.changes.run(admin, reason, async (db, atMs) => {
      const before = await this.find(db, peerId);
      const row = await changePeerState(db, { peerId, action, by: 'operator', reason, ofAccount: null, atMs });
      const details = { from: before.state, to: row.state };
      const isNew = row.stateRevision !== before.stateRevision;
      return {
        answer: this.peers.knownFrom(row),
        logged: isNew ? { action: `peer.${action}`, subject: `peer/${peerId}`, details } : null,
        committed: () => this.live.peers.stateChanged(row),
      };
    });
  }

  /** throws peer_unknown | peer_revoked */
  renewKey(admin: AdminCaller, peerId: PeerId, reason: string): Promise<KnownPeerAnswer> {
    return this.changes.run(admin, reason, async (db, atMs) => {
      const row = await this.find(db, peerId);
      if (row.state === 'revoked') throw new ProtocolError('peer_revoked');
      const isNew = await this.live.transactionKeys.askForRenewal(db, peerId, atMs);
      return {
        answer: this.peers.knownFrom(row),
        logged: isNew ? { action: 'peer.renew-key', subject: `peer/${peerId}`, details: {} } : null,
        committed: () => this.live.transactionKeys.forget(peerId),
      };
    });
  }

  private async find(db: EntityManager, peerId: PeerId): Promise<PeerEntity> {
    const row = await db.findOneBy(PeerEntity, { id: peerId });
    if (row === null) throw new ProtocolError('peer_unknown');
    return row;
  }
}
