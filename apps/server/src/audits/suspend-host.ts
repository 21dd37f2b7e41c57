// A host that fails its audits again and again is no host any more, until the operator says otherwise.
import type { EntityManager } from 'typeorm';
import type { PeerId } from '#protocol';
import { changePeerState } from '../peers/change-peer-state.js';
import type { PeerEntity } from '../peers/peer.entity.js';

/** Part of the caller's unit; tell PeerDirectory.stateChanged of the row when it is committed. */
export function suspendHost(db: EntityManager, peerId: PeerId, atMs: number): Promise<PeerEntity> {
  const code = 'audits_failed';
  return changePeerState(db, { peerId, action: 'suspend', by: 'broker', code, reason: '', ofAccount: null, atMs });
}
