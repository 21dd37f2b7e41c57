// Admin keys: made by the operator, shown once, kept as a hash; revoked or expired they open nothing.
import { createHash, randomBytes } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { changeOne, insertRows } from '#database';
import { encodeBase64url, ProtocolError, uuidV7 } from '#protocol';
import { ADMIN_KEY_BYTES } from '../limits.js';
import type { AdminRole } from './admin-role.js';

const FORM = /^pka_[A-Za-z0-9_-]{43}$/;

export interface AdminKey {
  readonly id: string;
  readonly name: string;
  readonly role: AdminRole;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly revokedAtMs: number | null;
}

export interface CreatedAdminKey extends AdminKey {
  /** Shown once; only its hash is kept. */
  readonly key: string;
}

export async function insertAdminKey(
  db: EntityManager,
  wanted: { readonly name: string; readonly role: AdminRole; readonly lifeMs: number },
  nowMs: number,
): Promise<CreatedAdminKey> {
  const { name, role, lifeMs } = wanted;
  const key = `pka_${encodeBase64url(randomBytes(ADMIN_KEY_BYTES))}`;
  const id = uuidV7<string>(nowMs, randomBytes(10));
  const expiresAtMs = nowMs + lifeMs;
  const columns = ['id', 'key_hash', 'name', 'role', 'created_at_ms', 'expires_at_ms'];
  await insertRows(db, { table: 'admin_keys', columns }, [[id, hashOf(key), name, role, nowMs, expiresAtMs]]);
  return { id, key, name, role, createdAtMs: nowMs, expiresAtMs, revokedAtMs: null };
}

/**
 * Done once: again, the first time stays.
 *
 * throws   admin_key_unknown
 */
export async function revokeAdminKey(db: EntityManager, id: string, nowMs: number): Promise<AdminKey> {
  await changeOne(db, 'UPDATE admin_keys SET revoked_at_ms = $1 WHERE id = $2 AND revoked_at_ms IS NULL', [nowMs, id]);
  const [row] = await db.query<AdminKeyRow[]>('SELECT * FROM admin_keys WHERE id = $1', [id]);
  if (row === undefined) throw new ProtocolError('admin_key_unknown');
  return adminKeyFrom(row);
}

/** The key that may be used now; null for one that is unknown, revoked or expired: from outside they look the same. */
export async function findAdminKey(db: EntityManager, key: string, nowMs: number): Promise<AdminKey | null> {
  if (!FORM.test(key)) return null;
  const [row] = await db.query<AdminKeyRow[]>(
    'SELECT * FROM admin_keys WHERE key_hash = $1 AND revoked_at_ms IS NULL AND expires_at_ms > $2',
    [hashOf(key), nowMs],
  );
  return row === undefined ? null : adminKeyFrom(row);
}

/** All of them, oldest first: a person makes them by hand, so there are few. */
export async function listAdminKeys(db: EntityManager): Promise<AdminKey[]> {
  return (await db.query<AdminKeyRow[]>('SELECT * FROM admin_keys ORDER BY id')).map(adminKeyFrom);
}

export interface AdminKeyRow {
  id: string;
  name: string;
  role: AdminRole;
  created_at_ms: number | string;
  expires_at_ms: number | string;
  revoked_at_ms: number | string | null;
}

export function adminKeyFrom(row: AdminKeyRow): AdminKey {
  return {
    id: row.id,
    name: row.name,
    role: row.role,
    createdAtMs: Number(row.created_at_ms),
    expiresAtMs: Number(row.expires_at_ms),
    revokedAtMs: row.revoked_at_ms === null ? null : Number(row.revoked_at_ms),
  };
}

/** A fast hash suffices: the key is 32 random bytes, not a word that somebody could guess. */
function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('base64url');
}
