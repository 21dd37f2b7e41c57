// The table of recovery kits: who made each, until when it is good, and whether it was withdrawn.
import type { EntityManager } from 'typeorm';
import { changeOne, insertRows } from '#database';
import type { AccountId, PeerId } from '#protocol';

export interface Kit {
  /** The peer id in its certificate, and the client of its tokens. It is no enrolled peer: it signs no message. */
  readonly kitId: PeerId;
  readonly accountId: AccountId;
  readonly madeBy: PeerId;
  readonly madeAtMs: number;
  readonly expiresAtMs: number;
  readonly withdrawnAtMs: number | null;
  readonly tokens: number;
}

interface KitRow {
  readonly id: PeerId;
  readonly account_id: AccountId;
  readonly made_by: PeerId;
  readonly made_at_ms: number | string;
  readonly expires_at_ms: number | string;
  readonly withdrawn_at_ms: number | string | null;
  readonly tokens: number | string;
}

export async function insertKit(db: EntityManager, kit: Omit<Kit, 'withdrawnAtMs' | 'tokens'>): Promise<void> {
  await insertRows(
    db,
    { table: 'recovery_kits', columns: ['id', 'account_id', 'made_by', 'made_at_ms', 'expires_at_ms'] },
    [[kit.kitId, kit.accountId, kit.madeBy, kit.madeAtMs, kit.expiresAtMs]],
  );
}

export async function findKit(db: EntityManager, kitId: PeerId): Promise<Kit | null> {
  const [row] = await db.query<KitRow[]>('SELECT * FROM recovery_kits WHERE id = $1', [kitId]);
  return row === undefined ? null : kitFrom(row);
}

/** Those that have not ended, oldest first; of one account, or of all. */
export async function findLiveKits(db: EntityManager, nowMs: number, accountId: AccountId | null): Promise<Kit[]> {
  const ofAccount = accountId === null ? '' : 'AND account_id = $2';
  const rows = await db.query<KitRow[]>(
    `SELECT * FROM recovery_kits WHERE expires_at_ms > $1 ${ofAccount} ORDER BY id`,
    accountId === null ? [nowMs] : [nowMs, accountId],
  );
  return rows.map(kitFrom);
}

export async function markWithdrawn(db: EntityManager, kitId: PeerId, atMs: number): Promise<void> {
  await changeOne(db, 'UPDATE recovery_kits SET withdrawn_at_ms = $1 WHERE id = $2 AND withdrawn_at_ms IS NULL', [
    atMs,
    kitId,
  ]);
}

/** Returns false, and counts nothing, when the kit would have more than `tokensMax`. */
export function countTokens(db: EntityManager, kitId: PeerId, tokens: number, tokensMax: number): Promise<boolean> {
  return changeOne(db, 'UPDATE recovery_kits SET tokens = tokens + $1 WHERE id = $2 AND tokens + $1 <= $3', [
    tokens,
    kitId,
    tokensMax,
  ]);
}

function kitFrom(row: KitRow): Kit {
  return {
    kitId: row.id,
    accountId: row.account_id,
    madeBy: row.made_by,
    madeAtMs: Number(row.made_at_ms),
    expiresAtMs: Number(row.expires_at_ms),
    withdrawnAtMs: row.withdrawn_at_ms === null ? null : Number(row.withdrawn_at_ms),
    tokens: Number(row.tokens),
  };
}
