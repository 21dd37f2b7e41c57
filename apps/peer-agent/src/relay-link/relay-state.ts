// The one row of agent.db about relays: what the next start begins with, and what `status` shows beside the running agent.
import { strict as assert } from 'node:assert';
import type { EntityManager } from 'typeorm';
import { changeOne } from '#database';
import type { ErrorCode, PeerId, UnixMs } from '#protocol';
import type { RelayReason } from './decide-relay.js';

export interface RelayState {
  readonly isWanted: boolean;
  readonly reason: RelayReason;
  /** The relay that this peer is attached to, and where it is; null while there is none. */
  readonly relay: { readonly relayId: PeerId; readonly address: string; readonly port: number } | null;
  /** When that, or its lack, began; 0 for never. */
  readonly sinceMs: UnixMs;
  /** Times that it was attached, and that it lost its relay, ever. */
  readonly attached: number;
  readonly lost: number;
  /** Tries in a row that failed, and what the last one failed with. */
  readonly failures: number;
  readonly code: ErrorCode | null;
}

interface RelayRow {
  readonly is_wanted: number;
  readonly reason: RelayReason;
  readonly relay_id: PeerId | null;
  readonly address: string | null;
  readonly port: number | null;
  readonly since_ms: number;
  readonly attached: number;
  readonly lost: number;
  readonly failures: number;
  readonly code: ErrorCode | null;
}

export async function readRelayState(reads: EntityManager): Promise<RelayState> {
  const [row] = await reads.query<RelayRow[]>('SELECT * FROM relay_link WHERE id = 1');
  assert(row !== undefined);
  const { relay_id: relayId, address, port } = row;
  return {
    isWanted: row.is_wanted === 1,
    reason: row.reason,
    relay: relayId === null || address === null || port === null ? null : { relayId, address, port },
    sinceMs: Number(row.since_ms),
    attached: Number(row.attached),
    lost: Number(row.lost),
    failures: Number(row.failures),
    code: row.code,
  };
}

/** A unit. */
export async function writeRelayState(db: EntityManager, state: RelayState): Promise<void> {
  const { isWanted, reason, relay, sinceMs, attached, lost, failures, code } = state;
  const changed = await changeOne(
    db,
    `UPDATE relay_link SET is_wanted = $1, reason = $2, relay_id = $3, address = $4, port = $5, since_ms = $6,
       attached = $7, lost = $8, failures = $9, code = $10 WHERE id = 1`,
    [
      isWanted ? 1 : 0,
      reason,
      relay?.relayId ?? null,
      relay?.address ?? null,
      relay?.port ?? null,
      sinceMs,
      attached,
      lost,
      failures,
      code,
    ],
  );
  assert(changed, 'the row of relay_link is missing');
}
