// Enrolment keys: made by the operator, handed to people, used up by enrolments.
import { createHash, randomBytes } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { changeOne } from '#database';
import { type AccountId, encodeBase64url, KEY_BYTES, ProtocolError } from '#protocol';
import { AccountEntity } from '../accounts/account.entity.js';
import { ENROLMENT_KEY_LIFE_MS_MAX, ENROLMENT_KEY_USES_MAX } from '../limits.js';
import type { PeerKind } from '../peers/peer.entity.js';
import type { BrokerDatabase } from '../platform/broker-database.js';
import { EnrolmentKeyEntity } from './enrolment-key.entity.js';

export interface EnrolmentKeyOptions {
  readonly uses: number;
  readonly lifeMs: number;
  /** Each use adds a machine to this account; null: each use registers a new account. */
  readonly accountId: AccountId | null;
  /** What it lets in; ordinary machines where it is left out. */
  readonly purpose?: PeerKind;
}

export interface CreatedEnrolmentKey {
  /** Shown once; only its hash is kept. */
  readonly key: string;
  readonly uses: number;
  readonly expiresAtMs: number;
  readonly accountId: AccountId | null;
  readonly purpose: PeerKind;
}

/** throws usage, with what is out of bounds or unknown in the detail */
export async function createEnrolmentKey(
  database: BrokerDatabase,
  options: EnrolmentKeyOptions,
  nowMs: number,
): Promise<CreatedEnrolmentKey> {
  return database.write((db) => insertEnrolmentKey(db, options, nowMs));
}

/** In a unit of whoever decides that. throws as createEnrolmentKey */
export async function insertEnrolmentKey(
  db: EntityManager,
  options: EnrolmentKeyOptions,
  nowMs: number,
): Promise<CreatedEnrolmentKey> {
  const { uses, lifeMs, accountId, purpose = 'machine' } = options;
  if (!Number.isInteger(uses) || uses < 1 || uses > ENROLMENT_KEY_USES_MAX) {
    throw new ProtocolError('usage', {}, { detail: `--uses is not 1 to ${ENROLMENT_KEY_USES_MAX}` });
  }
  if (!(lifeMs > 0 && lifeMs <= ENROLMENT_KEY_LIFE_MS_MAX)) {
    throw new ProtocolError('usage', {}, { detail: '--expires is not between a second and 365 days' });
  }
  const key = `pke_${encodeBase64url(randomBytes(KEY_BYTES))}`;
  const expiresAtMs = nowMs + lifeMs;
  if (accountId !== null && !(await db.existsBy(AccountEntity, { id: accountId }))) {
    throw new ProtocolError('usage', {}, { detail: `there is no account ${accountId}` });
  }
  await db.insert(EnrolmentKeyEntity, {
    keyHash: enrolmentKeyHash(key),
    accountId,
    purpose,
    usesLeft: uses,
    expiresAtMs,
    createdAtMs: nowMs,
  });
  return { key, uses, expiresAtMs, accountId, purpose };
}

/**
 * Use a key once, in the unit that enrols. One conditional statement, so that of many machines that come at once
 * exactly as many get in as the key has uses left.
 *
 * returns  the account to join, null to register a new one; and what the key lets in
 * throws   enrolment_key_invalid: unknown, used up and expired look the same from outside
 */
export async function useEnrolmentKey(
  db: EntityManager,
  key: string,
  nowMs: number,
): Promise<Pick<EnrolmentKeyEntity, 'accountId' | 'purpose'>> {
  const keyHash = enrolmentKeyHash(key);
  const used = await changeOne(
    db,
    'UPDATE enrolment_keys SET uses_left = uses_left - 1 WHERE key_hash = $1 AND uses_left >= 1 AND expires_at_ms > $2',
    [keyHash, nowMs],
  );
  if (!used) throw new ProtocolError('enrolment_key_invalid');
  return db.findOneByOrFail(EnrolmentKeyEntity, { keyHash });
}

/** The name under which a key is kept. A fast hash suffices: the key is 32 random bytes, not a word that somebody could guess. */
export function enrolmentKeyHash(key: string): string {
  return createHash('sha256').update(key).digest('base64url');
}
