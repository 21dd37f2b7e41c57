// What happened to the escrow of an account, in rows: the newest few of each kind, so that many of one do not push out others.
import type { EntityManager } from 'typeorm';
import { changeMany } from '#database';
import {
  type AccountId,
  ESCROW_EVENTS_SHOWN_MAX,
  type EscrowEvent,
  type EscrowEventKind,
  formatTime,
  type PeerId,
} from '#protocol';
import { ESCROW_EVENTS_KEPT_MAX } from '../limits.js';

export interface NewEscrowEvent {
  readonly accountId: AccountId;
  readonly kind: EscrowEventKind;
  /** Null for a person on the pages. */
  readonly peerId: PeerId | null;
  readonly atMs: number;
}

/** Write an event down, in the unit of what it tells. Never the id of the escrow: it ends with its row. */
export async function recordEvent(db: EntityManager, { accountId, kind, peerId, atMs }: NewEscrowEvent): Promise<void> {
  // Several may come in one millisecond: their numbers tell the order.
  await changeMany(
    db,
    `INSERT INTO escrow_events (account_id, number, peer_id, kind, at_ms)
       SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, $4 FROM escrow_events WHERE account_id = $5`,
    [accountId, peerId, kind, atMs, accountId],
  );
  await changeMany(
    db,
    `DELETE FROM escrow_events WHERE account_id = $1 AND kind = $2 AND number NOT IN
       (SELECT number FROM escrow_events WHERE account_id = $3 AND kind = $4 ORDER BY number DESC LIMIT $5)`,
    [accountId, kind, accountId, kind, ESCROW_EVENTS_KEPT_MAX],
  );
}

/** Newest first. */
export async function newestEvents(db: EntityManager, accountId: AccountId): Promise<EscrowEvent[]> {
  const rows = await db.query<{ kind: EscrowEventKind; peer_id: PeerId | null; at_ms: number | string }[]>(
    `SELECT kind, peer_id, at_ms FROM escrow_events WHERE account_id = $1 ORDER BY number DESC LIMIT ${ESCROW_EVENTS_SHOWN_MAX}`,
    [accountId],
  );
  return rows.map(({ kind, peer_id, at_ms }) => ({ at: formatTime(Number(at_ms)), kind, peerId: peer_id }));
}
