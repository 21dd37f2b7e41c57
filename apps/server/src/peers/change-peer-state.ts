// Changes the state of a peer in one write unit, in whatever process, and keeps the change for good: a broker that runs
// beside hears of it.
import type { EntityManager } from 'typeorm';
import { changeOne, insertRows } from '#database';
import { type AccountId, type ChangedBy, type PeerId, ProtocolError, type StateCode } from '#protocol';
import { destroyTransactionKeys } from '../keys/destroy-transaction-keys.js';
import { decidePeerState, type PeerAction } from './decide-peer-state.js';
import { PeerEntity } from './peer.entity.js';

export interface PeerStateChange {
  readonly peerId: PeerId;
  readonly action: PeerAction;
  readonly by: ChangedBy;
  /** What a person says about it. */
  readonly reason: string;
  /** Without it, a person asked. */
  readonly code?: StateCode;
  /** Null: of any account. */
  readonly ofAccount: AccountId | null;
  readonly atMs: number;
}

/**
 * Returns the row as it is then. Done once: the same again leaves the first time and reason.
 *
 * throws   peer_unknown, also for a peer of another account | peer_revoked | peer_suspended
 */
export async function changePeerState(db: EntityManager, change: PeerStateChange): Promise<PeerEntity> {
  const { peerId, action, by, reason, ofAccount, atMs } = change;
  const peer = await db.findOneBy(PeerEntity, { id: peerId });
  if (peer === null || (ofAccount !== null && peer.accountId !== ofAccount)) throw new ProtocolError('peer_unknown');
  const decision = decidePeerState({ state: peer.state, isVetted: peer.vettedAtMs !== null }, action);
  if (!decision.ok) throw new ProtocolError(decision.code);
  // What the audits did leaves its owner the own backups; an operator who suspends it takes those too.
  const isDeepened = action === 'suspend' && by === 'operator' && peer.stateCode === 'audits_failed';
  if (!decision.changes && !isDeepened) return peer;
  const { state } = decision;
  const code: StateCode = change.code ?? (by === 'owner' ? 'owner_asked' : 'operator_asked');
  // From here it must succeed.

  // The row stays locked until the commit, so revisions are committed in their order.
  await changeOne(db, 'UPDATE peer_state_revision SET revision = revision + 1 WHERE id = $1', [1]);
  await changeOne(
    db,
    `UPDATE peers SET state = $1, state_changed_at_ms = $2, state_changed_by = $3, state_code = $4, state_reason = $5,
       vetted_at_ms = $6, state_revision = (SELECT revision FROM peer_state_revision WHERE id = 1) WHERE id = $7`,
    [state, atMs, by, code, reason, decision.isVetted ? (peer.vettedAtMs ?? atMs) : null, peerId],
  );
  if (state === 'revoked') await destroyTransactionKeys(db, peerId);
  const changed = await db.findOneByOrFail(PeerEntity, { id: peerId });
  await insertRows(db, CHANGES, [[changed.stateRevision, peerId, peer.state, state, by, code, reason, atMs]]);
  return changed;
}

const CHANGES = {
  table: 'peer_state_changes',
  columns: ['revision', 'peer_id', 'from_state', 'to_state', 'changed_by', 'code', 'reason', 'at_ms'],
};
