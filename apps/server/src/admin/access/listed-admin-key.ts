// An admin key as it is told: never the key itself.
import { z } from 'zod';
import { formatTime, timeField } from '#protocol';
import type { AdminKey } from './admin-keys.js';
import { ADMIN_ROLES } from './admin-role.js';

export const listedAdminKey = z.strictObject({
  keyId: z.string(),
  name: z.string(),
  role: z.enum(ADMIN_ROLES),
  createdAt: timeField,
  expiresAt: timeField,
  revokedAt: timeField.nullable(),
});
export type ListedAdminKey = z.infer<typeof listedAdminKey>;

export function listedAdminKeyFrom(key: AdminKey): ListedAdminKey {
  const { id: keyId, name, role, createdAtMs, expiresAtMs, revokedAtMs } = key;
  return {
    keyId,
    name,
    role,
    createdAt: formatTime(createdAtMs),
    expiresAt: formatTime(expiresAtMs),
    revokedAt: revokedAtMs === null ? null : formatTime(revokedAtMs),
  };
}
