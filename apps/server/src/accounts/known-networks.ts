// Networks from which an account has signed in: there, failures of strangers elsewhere do not lock its owner out.
import { createHash } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { changeMany } from '#database';
import type { AccountId } from '#protocol';
import { KNOWN_NETWORK_LIFE_MS, KNOWN_NETWORKS_PER_ACCOUNT_MAX } from '../limits.js';
import type { Email } from './email.js';

export interface SigningIn {
  readonly accountId: AccountId;
  readonly passwordHash: string;
  readonly isKnownNetwork: boolean;
}

/** What a sign-in needs to know, by one statement, so that an unknown address asks for exactly as much. */
export async function findSigningIn(
  db: EntityManager,
  { email, network }: { readonly email: Email; readonly network: string },
  nowMs: number,
): Promise<SigningIn | null> {
  const rows = (await db.query(
    `SELECT a.id, a.password_hash, n.seen_at_ms FROM accounts a
       LEFT JOIN account_networks n ON n.account_id = a.id AND n.network_hash = $1 AND n.seen_at_ms > $2
       WHERE a.email = $3`,
    [hashOf(network), nowMs - KNOWN_NETWORK_LIFE_MS, email],
  )) as { id: AccountId; password_hash: string | null; seen_at_ms: number | string | null }[];
  const [row] = rows;
  if (row === undefined || row.password_hash === null) return null;
  return { accountId: row.id, passwordHash: row.password_hash, isKnownNetwork: row.seen_at_ms !== null };
}

/** Remember a network in the unit that signs in; the one that was unused longest makes room. */
export async function rememberNetwork(
  db: EntityManager,
  accountId: AccountId,
  network: string,
  nowMs: number,
): Promise<void> {
  await changeMany(
    db,
    `INSERT INTO account_networks (account_id, network_hash, seen_at_ms) VALUES ($1, $2, $3)
       ON CONFLICT (account_id, network_hash) DO UPDATE SET seen_at_ms = excluded.seen_at_ms`,
    [accountId, hashOf(network), nowMs],
  );
  await changeMany(
    db,
    `DELETE FROM account_networks WHERE account_id = $1 AND network_hash NOT IN
       (SELECT network_hash FROM account_networks WHERE account_id = $2 ORDER BY seen_at_ms DESC, network_hash LIMIT $3)`,
    [accountId, accountId, KNOWN_NETWORKS_PER_ACCOUNT_MAX],
  );
}

/** Addresses of people are not kept in clear, though an IPv4 network can be found by trying all of them. */
function hashOf(network: string): string {
  return createHash('sha256').update(network).digest('base64url');
}
