// The rows of used_token in agent.db: what the replay list must still know when this process is gone.
import { strict as assert } from 'node:assert';
import type { EntityManager } from 'typeorm';
import { changeMany, changeOne, type Database } from '#database';
import type { UnixMs } from '#protocol';
import { PRUNE_ROWS_AT_ONCE } from '../limits.js';
import { type TokenEntry, tokenEntry } from './replay-rules.js';
import type { TokenBudget } from './token-budget.js';
import type { TokenKey } from './token-memory.js';

/** What is remembered: of a token of one use its phase, of one of several uses its budget. */
export type Remembered = TokenEntry | TokenBudget;

const LOAD_ROWS_AT_ONCE = 20_000;

interface EntryRow {
  readonly expires_ms: number;
  readonly transaction_id: string;
  readonly releases: number;
  readonly burned: number;
  readonly begun: number;
  readonly uses: number;
  readonly moved_bytes: number;
  readonly held_bytes: number;
}

/** Only tokens that have not been forgotten, by the index on expiry. */
export async function loadUsedTokens(
  reads: EntityManager,
  horizonMs: UnixMs,
  take: (token: TokenKey, entry: Remembered) => void,
): Promise<void> {
  let after: readonly [number, string] = [horizonMs, '\u{10ffff}'];
  for (;;) {
    const rows = await reads.query<EntryRow[]>(
      `SELECT expires_ms, transaction_id, releases, burned, begun, uses, moved_bytes, held_bytes FROM used_token
         WHERE (expires_ms, transaction_id) > ($1, $2) ORDER BY expires_ms, transaction_id LIMIT ${LOAD_ROWS_AT_ONCE}`,
      [...after],
    );
    for (const row of rows) {
      const token = { expiresAtMs: Number(row.expires_ms), transactionId: row.transaction_id };
      take(token, rememberedOf(row));
      after = [token.expiresAtMs, token.transactionId];
    }
    if (rows.length < LOAD_ROWS_AT_ONCE) return;
  }
}

/** Tokens that are remembered, as the replay list of a running agent counts them. */
export async function countRemembered(reads: EntityManager, horizonMs: UnixMs): Promise<number> {
  const [row] = await reads.query<{ tokens: number | string }[]>(
    'SELECT COUNT(*) AS tokens FROM used_token WHERE expires_ms > $1',
    [horizonMs],
  );
  return Number(row!.tokens);
}

export async function readReceipt(reads: EntityManager, token: TokenKey): Promise<string | null> {
  const [row] = await reads.query<{ receipt: string | null }[]>(
    'SELECT receipt FROM used_token WHERE expires_ms = $1 AND transaction_id = $2',
    [token.expiresAtMs, token.transactionId],
  );
  return row?.receipt ?? null;
}

/** Of a token that is used once. */
export async function writeEntry(
  db: EntityManager,
  token: TokenKey,
  entry: TokenEntry,
  receipt: string | null,
): Promise<void> {
  const written = await changeOne(
    db,
    `INSERT INTO used_token (expires_ms, transaction_id, releases, burned, receipt) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (expires_ms, transaction_id) DO UPDATE
       SET releases = excluded.releases, burned = excluded.burned, receipt = excluded.receipt`,
    [token.expiresAtMs, token.transactionId, entry.releases, entry.phase === 'burned' ? 1 : 0, receipt],
  );
  assert(written);
}

/** Of a batch: something of it is done, and is written in the same unit. */
export async function writeBatchBegun(db: EntityManager, token: TokenKey, releases: number): Promise<void> {
  await changeOne(
    db,
    `INSERT INTO used_token (expires_ms, transaction_id, releases, burned, begun) VALUES ($1, $2, $3, 0, 1)
       ON CONFLICT (expires_ms, transaction_id) DO UPDATE SET begun = 1`,
    [token.expiresAtMs, token.transactionId, releases],
  );
}

/** Of a batch: bytes that a presentation moved which did not come to its end. Returns how many all of these moved. */
export async function writeMoved(db: EntityManager, token: TokenKey, movedBytes: number): Promise<number> {
  await changeOne(
    db,
    `INSERT INTO used_token (expires_ms, transaction_id, releases, burned, moved_bytes) VALUES ($1, $2, 0, 0, $3)
       ON CONFLICT (expires_ms, transaction_id) DO UPDATE SET moved_bytes = used_token.moved_bytes + excluded.moved_bytes`,
    [token.expiresAtMs, token.transactionId, movedBytes],
  );
  const [row] = await db.query<{ moved_bytes: number }[]>(
    'SELECT moved_bytes FROM used_token WHERE expires_ms = $1 AND transaction_id = $2',
    [token.expiresAtMs, token.transactionId],
  );
  return Number(row?.moved_bytes);
}

/** One use more, with what it holds. Uses of one token may be written in any order. */
export async function writeUseBegun(
  db: EntityManager,
  token: TokenKey,
  use: { number: number; heldBytes: number },
): Promise<void> {
  const written = await changeOne(
    db,
    `INSERT INTO used_token (expires_ms, transaction_id, releases, burned, uses, held_bytes) VALUES ($1, $2, 0, 0, $3, $4)
       ON CONFLICT (expires_ms, transaction_id) DO UPDATE
       SET uses = max(used_token.uses, excluded.uses), held_bytes = used_token.held_bytes + excluded.held_bytes`,
    [token.expiresAtMs, token.transactionId, use.number, use.heldBytes],
  );
  assert(written);
}

/** Nothing when the row has been forgotten: a use may outlive its token by so much. */
export async function writeUseEnded(
  db: EntityManager,
  token: TokenKey,
  use: { heldBytes: number; movedBytes: number },
): Promise<void> {
  await changeOne(
    db,
    `UPDATE used_token SET held_bytes = held_bytes - $1, moved_bytes = moved_bytes + $2
       WHERE expires_ms = $3 AND transaction_id = $4`,
    [use.heldBytes, use.movedBytes, token.expiresAtMs, token.transactionId],
  );
}

/** Those that expired at or before the horizon, a bounded number in a unit; and the items of batches that never ended. */
export async function deleteForgotten(database: Database, horizonMs: UnixMs): Promise<void> {
  await deleteExpired(database, { table: 'used_token', key: 'expires_ms, transaction_id' }, horizonMs);
  await deleteExpired(database, { table: 'batch_item', key: 'expires_ms, transaction_id, item' }, horizonMs);
}

async function deleteExpired(
  database: Database,
  { table, key }: { readonly table: string; readonly key: string },
  horizonMs: UnixMs,
): Promise<void> {
  const deleteSome = (): Promise<number> =>
    database.writes.run((db) =>
      changeMany(
        db,
        `DELETE FROM ${table} WHERE (${key}) IN
           (SELECT ${key} FROM ${table} WHERE expires_ms <= $1 LIMIT ${PRUNE_ROWS_AT_ONCE})`,
        [horizonMs],
      ),
    );
  while ((await deleteSome()) === PRUNE_ROWS_AT_ONCE);
}

function rememberedOf(row: EntryRow): Remembered {
  if (row.uses === 0) return tokenEntry(row.burned === 1 ? 'burned' : 'released', row.releases, row.begun === 1);
  return { uses: row.uses, movedBytes: Number(row.moved_bytes), heldBytes: Number(row.held_bytes) };
}
