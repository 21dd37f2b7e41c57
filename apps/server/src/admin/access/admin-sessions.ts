// Browsers in which an admin key is signed in: a random secret in a cookie there, its hash here. A session ends with its
// time, with its key, or when somebody signs out.
import { createHash, randomBytes } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { changeMany, changeOne, insertRows } from '#database';
import { encodeBase64url, KEY_BYTES } from '#protocol';
import { ADMIN_SESSION_LIFE_MS, ADMIN_SESSIONS_PER_KEY_MAX } from '../limits.js';
import { type AdminKey, type AdminKeyRow, adminKeyFrom } from './admin-keys.js';

export interface AdminSession {
  /** Goes into the cookie, and nowhere else. */
  readonly secret: string;
  readonly expiresAtMs: number;
}

/** Always under a new secret, so that a cookie planted before the sign-in is worth nothing. */
export async function insertAdminSession(db: EntityManager, key: AdminKey, nowMs: number): Promise<AdminSession> {
  const secret = encodeBase64url(randomBytes(KEY_BYTES));
  const expiresAtMs = Math.min(nowMs + ADMIN_SESSION_LIFE_MS, key.expiresAtMs);
  await changeMany(db, 'DELETE FROM admin_sessions WHERE expires_at_ms <= $1', [nowMs]);
  await changeMany(
    db,
    `DELETE FROM admin_sessions WHERE key_id = $1 AND id_hash NOT IN
       (SELECT id_hash FROM admin_sessions WHERE key_id = $2 ORDER BY created_at_ms DESC, id_hash LIMIT $3)`,
    [key.id, key.id, ADMIN_SESSIONS_PER_KEY_MAX - 1],
  );
  const columns = ['id_hash', 'key_id', 'created_at_ms', 'expires_at_ms'];
  await insertRows(db, { table: 'admin_sessions', columns }, [[hashOf(secret), key.id, nowMs, expiresAtMs]]);
  return { secret, expiresAtMs };
}

/** The key that is signed in; null for a session that is unknown or over, and for a key that may not be used any more. */
export async function findSignedInKey(db: EntityManager, secret: string, nowMs: number): Promise<AdminKey | null> {
  const [row] = await db.query<AdminKeyRow[]>(
    `SELECT k.* FROM admin_sessions s JOIN admin_keys k ON k.id = s.key_id
     WHERE s.id_hash = $1 AND s.expires_at_ms > $2 AND k.revoked_at_ms IS NULL AND k.expires_at_ms > $3`,
    [hashOf(secret), nowMs, nowMs],
  );
  return row === undefined ? null : adminKeyFrom(row);
}

export async function endAdminSession(db: EntityManager, secret: string): Promise<void> {
  await changeOne(db, 'DELETE FROM admin_sessions WHERE id_hash = $1', [hashOf(secret)]);
}

/** A fast hash suffices: the secret is 32 random bytes. */
function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}
