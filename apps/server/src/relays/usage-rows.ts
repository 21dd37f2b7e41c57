// What each lease has moved, as rows: totals that only rise.
import type { EntityManager } from 'typeorm';
import { changeMany, changeOne, placeholders, type SqlValue } from '#database';
import type { LeaseClaims, LeaseId, PeerId } from '#protocol';

const ROWS_AT_ONCE = 500;

/** A lease and how many bytes it has moved in all. */
export interface LeaseUsage {
  readonly claims: LeaseClaims;
  readonly bytes: number;
}

/** How many bytes each of these leases has moved, as it was booked; leases that are not in it have moved none. */
export async function findBooked(db: EntityManager, leaseIds: readonly LeaseId[]): Promise<Map<LeaseId, number>> {
  const booked = new Map<LeaseId, number>();
  for (let first = 0; first < leaseIds.length; first += ROWS_AT_ONCE) {
    const some = leaseIds.slice(first, first + ROWS_AT_ONCE);
    const rows = await db.query<{ lease_id: LeaseId; bytes: number | string }[]>(
      `SELECT lease_id, bytes FROM relay_usage WHERE lease_id IN ${placeholders(db, some.length)}`,
      some,
    );
    for (const { lease_id: leaseId, bytes } of rows) booked.set(leaseId, Number(bytes));
  }
  return booked;
}

/** usages   one of each lease, each with more than was booked */
export async function bookUsage(db: EntityManager, relayId: PeerId, usages: readonly LeaseUsage[]): Promise<void> {
  for (let first = 0; first < usages.length; first += ROWS_AT_ONCE) {
    const parameters: SqlValue[] = [];
    const tuples = usages.slice(first, first + ROWS_AT_ONCE).map(({ claims, bytes }) => {
      const { leaseId, kind, subject, peerId, expiresAtMs } = claims;
      const cells = [leaseId, relayId, kind, subject, peerId, bytes, expiresAtMs];
      return `(${cells.map((cell) => `$${parameters.push(cell)}`).join(', ')})`;
    });
    await changeMany(
      db,
      `INSERT INTO relay_usage (lease_id, relay_id, kind, subject, peer_id, bytes, expires_at_ms)
       VALUES ${tuples.join(', ')} ON CONFLICT (lease_id) DO UPDATE SET bytes = excluded.bytes`,
      parameters,
    );
  }
}

/** Beside what its leases say, the relay has moved so many bytes more; rows of leases are forgotten, this sum is not. */
export async function addCarried(db: EntityManager, relayId: PeerId, bytes: number): Promise<void> {
  await changeOne(db, 'UPDATE relays SET carried_bytes = carried_bytes + $1 WHERE peer_id = $2', [bytes, relayId]);
}

/** Leases that ended before this time are reported no more. */
export function forgetUsage(db: EntityManager, endedBeforeMs: number): Promise<number> {
  return changeMany(db, 'DELETE FROM relay_usage WHERE expires_at_ms < $1', [endedBeforeMs]);
}
