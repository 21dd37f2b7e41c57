// Makes or revokes an admin key as the operator on the broker's machine does: in one unit with its entry in the log.
import { ProtocolError, reasonField } from '#protocol';
import type { BrokerDatabase } from '../../platform/broker-database.js';
import { ADMIN_KEY_LIFE_MS_MAX, ADMIN_KEY_NAME_CHARS_MAX } from '../limits.js';
import { appendLog } from '../log/append-log.js';
import { type AdminKey, type CreatedAdminKey, insertAdminKey, revokeAdminKey } from './admin-keys.js';
import type { AdminRole } from './admin-role.js';

export interface AdminKeyOptions {
  readonly role: AdminRole;
  /** Whose it is, or what for. */
  readonly name: string;
  readonly lifeMs: number;
  readonly reason: string;
}

/** throws usage, with what is out of bounds in the detail */
export async function makeAdminKey(
  database: BrokerDatabase,
  { role, name, lifeMs, reason }: AdminKeyOptions,
  nowMs: number,
): Promise<CreatedAdminKey> {
  if (name === '' || name.length > ADMIN_KEY_NAME_CHARS_MAX || !reasonField.safeParse(name).success) {
    throw usage(`--name is not one line of 1 to ${ADMIN_KEY_NAME_CHARS_MAX} characters`);
  }
  if (!(lifeMs > 0 && lifeMs <= ADMIN_KEY_LIFE_MS_MAX)) throw usage('--expires is not between a second and 365 days');
  checkReason(reason);
  return database.write(async (db) => {
    const created = await insertAdminKey(db, { role, name, lifeMs }, nowMs);
    const { id, expiresAtMs } = created;
    const subject = `admin-key/${id}`;
    const details = { name, role, expiresAtMs };
    await appendLog(db, { actor: 'command', action: 'admin-key.create', subject, reason, details }, nowMs);
    return created;
  });
}

/** throws admin_key_unknown | usage */
export async function withdrawAdminKey(
  database: BrokerDatabase,
  { id, reason }: { readonly id: string; readonly reason: string },
  nowMs: number,
): Promise<AdminKey> {
  checkReason(reason);
  return database.write(async (db) => {
    const key = await revokeAdminKey(db, id, nowMs);
    if (key.revokedAtMs !== nowMs) return key;
    const subject = `admin-key/${id}`;
    const details = { name: key.name };
    await appendLog(db, { actor: 'command', action: 'admin-key.revoke', subject, reason, details }, nowMs);
    return key;
  });
}

function checkReason(reason: string): void {
  if (!reasonField.safeParse(reason).success) throw usage('--reason is one line of at most 200 characters');
}

function usage(detail: string): ProtocolError {
  return new ProtocolError('usage', {}, { detail });
}
