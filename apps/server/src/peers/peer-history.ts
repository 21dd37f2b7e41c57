// Every change of a peer's state, as it was written down: nothing of it is ever changed.
import type { EntityManager } from 'typeorm';
import type { ChangedBy, PeerId, PeerState, StateCode } from '#protocol';
import { PEER_CHANGES_TOLD_MAX } from '../limits.js';

export interface PastStateChange {
  readonly from: PeerState;
  readonly to: PeerState;
  readonly by: ChangedBy;
  readonly code: StateCode;
  readonly reason: string;
  readonly atMs: number;
}

/** The newest first, at most PEER_CHANGES_TOLD_MAX. */
export async function findStateChanges(db: EntityManager, peerId: PeerId): Promise<PastStateChange[]> {
  const rows = await db.query<(Omit<PastStateChange, 'atMs'> & { at_ms: number | string })[]>(
    `SELECT from_state AS "from", to_state AS "to", changed_by AS "by", code, reason, at_ms FROM peer_state_changes
     WHERE peer_id = $1 ORDER BY revision DESC LIMIT ${PEER_CHANGES_TOLD_MAX}`,
    [peerId],
  );
  return rows.map(({ at_ms, ...change }) => ({ ...change, atMs: Number(at_ms) }));
}
