// The hosts that hold shards of others or did, page by page, as far as churn asks.
import type { EntityManager } from 'typeorm';
import type { PeerId, PeerState, StateCode } from '#protocol';
import { HOST_LIVES_READ_AT_ONCE_MAX } from '../limits.js';
import type { HostLife } from './observe-host.js';

export interface KnownHostLife extends HostLife {
  readonly peerId: PeerId;
}

interface LifeRow {
  id: PeerId;
  state: PeerState;
  state_code: StateCode | null;
  state_before: PeerState | null;
  state_changed_at_ms: number | string | null;
  created_at_ms: number | string;
  seen_at_ms: number | string;
  address: string | null;
  passed_at_ms: number | string | null;
  failed_at_ms: number | string | null;
}

/** Whoever was audited held something; whoever was not yet holds it now. */
export async function findHostLives(db: EntityManager, after: PeerId | ''): Promise<KnownHostLife[]> {
  const rows = await db.query<LifeRow[]>(
    `SELECT p.id, p.state, p.state_code, c.from_state AS state_before, p.state_changed_at_ms, p.created_at_ms,
       p.seen_at_ms, p.address, a.passed_at_ms, a.failed_at_ms
     FROM peers p LEFT JOIN audit_scores a ON a.host_id = p.id
       LEFT JOIN peer_state_changes c ON c.revision = p.state_revision AND c.peer_id = p.id
     WHERE p.id > $1 AND p.seen_at_ms IS NOT NULL AND (a.passed_at_ms IS NOT NULL OR a.failed_at_ms IS NOT NULL
       OR EXISTS (SELECT 1 FROM shards s WHERE s.host_id = p.id AND s.state = 'stored'))
     ORDER BY p.id LIMIT ${HOST_LIVES_READ_AT_ONCE_MAX}`,
    [after],
  );
  return rows.map((row) => ({
    peerId: row.id,
    enrolledAtMs: Number(row.created_at_ms),
    state: row.state,
    stateCode: row.state_code,
    stateBefore: row.state_before,
    stateChangedAtMs: row.state_changed_at_ms === null ? null : Number(row.state_changed_at_ms),
    thereAtMs: thereAtMsOf(row),
  }));
}

/** A machine that offers no space any more may still back up: as a host it was there when it last answered an audit. */
function thereAtMsOf({ address, seen_at_ms, passed_at_ms, failed_at_ms }: LifeRow): number {
  const auditedAtMs = Math.max(Number(passed_at_ms ?? 0), Number(failed_at_ms ?? 0));
  return address !== null || auditedAtMs === 0 ? Number(seen_at_ms) : Math.min(Number(seen_at_ms), auditedAtMs);
}

/** When any peer was last heard; null before the first. */
export async function lastHeardAtMs(db: EntityManager): Promise<number | null> {
  const [row] = await db.query<{ at_ms: number | string | null }[]>('SELECT MAX(seen_at_ms) AS at_ms FROM peers');
  return row?.at_ms === null || row?.at_ms === undefined ? null : Number(row.at_ms);
}
