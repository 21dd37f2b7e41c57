// The tables of what hosts have proved to hold: bytes times hours, by day and machine, and what their accounts were
// granted for it.
import type { EntityManager } from 'typeorm';
import { changeMany, insertRows, placeholders } from '#database';
import type { AccountId, PeerId } from '#protocol';
import type { ProvedBytes } from './decide-exchange.js';

/** What one host holds for others: of the bytes, those that are paid for. */
export interface HeldBytes {
  readonly peerId: PeerId;
  readonly bytes: number;
}

/**
 * Each content counts once at a host, however many shards it is, as earnedBytes says; what the host's own account put there
 * counts nothing, nor does what is deleted.
 */
export async function findHeldForOthers(db: EntityManager, peerIds: readonly PeerId[]): Promise<HeldBytes[]> {
  if (peerIds.length === 0) return [];
  const rows = await db.query<{ host_id: PeerId; bytes: number | string }[]>(
    `SELECT host_id, SUM(CASE WHEN charge < size_bytes THEN charge ELSE size_bytes END) AS bytes FROM (
       SELECT host_id, cid, MAX(size_bytes) AS size_bytes, MAX(charge) AS charge FROM (
       SELECT s.host_id AS host_id, s.cid AS cid, s.size_bytes AS size_bytes, s.charge AS charge
         FROM shards s JOIN objects o ON o.id = s.object_id JOIN peers p ON p.id = s.host_id
         WHERE s.state = 'stored' AND s.charge > 0 AND o.deleted_at_ms IS NULL AND o.account_id <> p.account_id
           AND s.host_id IN ${placeholders(db, peerIds.length)}
       UNION ALL SELECT g.host_id, g.cid, g.size_bytes, g.charge FROM group_contents g JOIN peers p ON p.id = g.host_id
         WHERE g.charge > 0 AND g.account_id <> p.account_id
           AND g.host_id IN ${placeholders(db, peerIds.length, peerIds.length + 1)}) placed
       GROUP BY host_id, cid) held
     GROUP BY host_id`,
    [...peerIds, ...peerIds],
  );
  return rows.map((row) => ({ peerId: row.host_id, bytes: Number(row.bytes) }));
}

/** The last hour that was looked at; null before the first. */
export async function lastProvedHour(db: EntityManager): Promise<number | null> {
  const [row] = await db.query<{ hour: number | string | null }[]>('SELECT MAX(hour) AS hour FROM proved_hours');
  return row?.hour === null || row?.hour === undefined ? null : Number(row.hour);
}

/** Says whether this hour was not noted before: nobody adds to it twice. */
export async function noteProvedHour(db: EntityManager, hour: number, hours: number): Promise<boolean> {
  const into = { table: 'proved_hours', columns: ['hour', 'hours'], onConflict: 'skip' } as const;
  return (await insertRows(db, into, [[hour, hours]])) === 1;
}

export interface ProvedDay {
  readonly peerId: PeerId;
  readonly accountId: AccountId;
  readonly day: number;
  readonly isWithheld: boolean;
  readonly byteHours: number;
}

export async function addProvedDays(db: EntityManager, proved: readonly ProvedDay[]): Promise<void> {
  for (const { peerId, accountId, day, isWithheld, byteHours } of proved) {
    await changeMany(
      db,
      `INSERT INTO proved_days (peer_id, day, withheld, account_id, byte_hours) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (peer_id, day, withheld) DO UPDATE SET byte_hours = proved_days.byte_hours + excluded.byte_hours`,
      [peerId, day, isWithheld ? 1 : 0, accountId, byteHours],
    );
  }
}

/** What lies before every window is known no more. */
export async function forgetProved(db: EntityManager, before: { day: number; hour: number }): Promise<void> {
  await changeMany(db, 'DELETE FROM proved_days WHERE day < $1', [before.day]);
  await changeMany(db, 'DELETE FROM proved_hours WHERE hour < $1', [before.hour]);
}

/** As its machines stand now: what one proved on probation is earned when it has passed, and nothing when it was given up. */
export async function findProved(
  db: EntityManager,
  accountIds: readonly AccountId[],
  days: { readonly first: number; readonly last: number },
): Promise<Map<AccountId, ProvedBytes>> {
  if (accountIds.length === 0) return new Map();
  const isEarned = 'd.withheld = 0 OR p.vetted_at_ms IS NOT NULL';
  const rows = await db.query<{ account_id: AccountId; earned: string; withheld: string }[]>(
    `SELECT d.account_id AS account_id,
       CAST(SUM(CASE WHEN ${isEarned} THEN d.byte_hours ELSE 0 END) AS text) AS earned,
       CAST(SUM(CASE WHEN ${isEarned} OR p.state <> 'vetting' THEN 0 ELSE d.byte_hours END) AS text) AS withheld
     FROM proved_days d JOIN peers p ON p.id = d.peer_id
     WHERE d.day BETWEEN $1 AND $2 AND d.account_id IN ${placeholders(db, accountIds.length, 3)}
     GROUP BY d.account_id`,
    [days.first, days.last, ...accountIds],
  );
  return new Map(
    rows.map((row) => [
      row.account_id,
      { earnedByteHours: BigInt(row.earned), withheldByteHours: BigInt(row.withheld) },
    ]),
  );
}

/** Some accounts that host, or were granted something, and are not decided for this day yet. */
export async function findUndecided(
  db: EntityManager,
  { day, limit }: { readonly day: number; readonly limit: number },
): Promise<AccountId[]> {
  const rows = await db.query<{ account_id: AccountId }[]>(
    `SELECT account_id FROM (SELECT account_id FROM proved_days WHERE day <= $1
       UNION SELECT account_id FROM exchange_accounts) hosting
     WHERE NOT EXISTS (SELECT 1 FROM exchange_accounts e WHERE e.account_id = hosting.account_id AND e.decided_day >= $2)
     ORDER BY account_id LIMIT ${limit}`,
    [day, day],
  );
  return rows.map((row) => row.account_id);
}

export async function findGranted(
  db: EntityManager,
  accountIds: readonly AccountId[],
): Promise<Map<AccountId, bigint>> {
  if (accountIds.length === 0) return new Map();
  const rows = await db.query<{ account_id: AccountId; granted: string }[]>(
    `SELECT account_id, CAST(granted AS text) AS granted FROM exchange_accounts
     WHERE account_id IN ${placeholders(db, accountIds.length)}`,
    [...accountIds],
  );
  return new Map(rows.map((row) => [row.account_id, BigInt(row.granted)]));
}

export async function noteDecided(
  db: EntityManager,
  { accountId, granted, day }: { readonly accountId: AccountId; readonly granted: bigint; readonly day: number },
): Promise<void> {
  await changeMany(
    db,
    `INSERT INTO exchange_accounts (account_id, granted, decided_day) VALUES ($1, $2, $3)
     ON CONFLICT (account_id) DO UPDATE SET granted = excluded.granted, decided_day = excluded.decided_day`,
    [accountId, granted.toString(), day],
  );
}
