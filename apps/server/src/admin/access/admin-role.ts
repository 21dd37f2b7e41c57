// What an admin key may do: look, help people, or run the network. Each role may do what those before it may. Pure.

export const ADMIN_ROLES = ['viewer', 'support', 'operator'] as const;
export type AdminRole = (typeof ADMIN_ROLES)[number];

export function hasRole(role: AdminRole, needed: AdminRole): boolean {
  return ADMIN_ROLES.indexOf(role) >= ADMIN_ROLES.indexOf(needed);
}
