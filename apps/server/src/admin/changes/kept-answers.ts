// Answers of requests under an Idempotency-Key: kept sealed for a day, so that a request that comes again is answered the
// same and done once. Bounded: one admin key has so many.
import type { EntityManager } from 'typeorm';
import { changeMany, insertRows } from '#database';
import { ProtocolError, utf8 } from '#protocol';
import type { KeyVault } from '../../keys/key-vault.js';
import { SEALED_SECRETS } from '../../keys/sealed-secrets.js';
import { ANSWERS_KEPT_MS, ANSWERS_PER_KEY_MAX } from '../limits.js';

export interface RepeatableRequest {
  readonly keyId: string;
  readonly idempotencyKey: string;
  readonly requestHash: string;
}

const { about } = SEALED_SECRETS['admin-answer'];

/**
 * The answer that this request had; null for one that is new.
 *
 * throws   idempotency_key_reused for another request under the same key
 */
export async function findAnswer(
  db: EntityManager,
  vault: KeyVault,
  request: RepeatableRequest,
  nowMs: number,
): Promise<unknown> {
  const { keyId, idempotencyKey, requestHash } = request;
  await changeMany(db, 'DELETE FROM admin_answers WHERE expires_at_ms <= $1', [nowMs]);
  const [row] = await db.query<{ request_hash: string; sealed_answer: string }[]>(
    'SELECT request_hash, sealed_answer FROM admin_answers WHERE key_id = $1 AND idempotency_key = $2',
    [keyId, idempotencyKey],
  );
  if (row === undefined) return null;
  if (row.request_hash !== requestHash) throw new ProtocolError('idempotency_key_reused');
  const answer = vault.open('admin-answer', aboutOf(request), row.sealed_answer);
  if (answer === null) throw new ProtocolError('data_dir_corrupt', {}, { detail: 'a kept answer does not open' });
  return JSON.parse(Buffer.from(answer).toString('utf8'));
}

/** throws rate_exceeded when this admin key has as many answers kept as one may have */
export async function keepAnswer(
  db: EntityManager,
  vault: KeyVault,
  request: RepeatableRequest,
  answer: unknown,
  nowMs: number,
): Promise<void> {
  const { keyId, idempotencyKey, requestHash } = request;
  const [kept] = await db.query<{ answers: number | string }[]>(
    'SELECT COUNT(*) AS answers FROM admin_answers WHERE key_id = $1',
    [keyId],
  );
  if (Number(kept?.answers) >= ANSWERS_PER_KEY_MAX) throw new ProtocolError('rate_exceeded');
  const sealed = vault.seal('admin-answer', aboutOf(request), utf8(JSON.stringify(answer)));
  const columns = ['key_id', 'idempotency_key', 'request_hash', 'sealed_answer', 'expires_at_ms'];
  await insertRows(db, { table: 'admin_answers', columns }, [
    [keyId, idempotencyKey, requestHash, sealed, nowMs + ANSWERS_KEPT_MS],
  ]);
}

function aboutOf({ keyId, idempotencyKey }: RepeatableRequest): string {
  return about({ key_id: keyId, idempotency_key: idempotencyKey });
}
