// Counts what went wrong between peers, and what the broker refused, per pair, operation, code and hour; bounded by
// aggregation. For the operator to look at: no decision of the broker reads these counts.

import type { EntityManager } from 'typeorm';
import { changeMany, changeOne } from '#database';
import { isErrorCode, type PeerId, type Requester, type TokenOp } from '#protocol';
import { FAILURES_KEPT_MS } from '../limits.js';

const HOUR_MS = 3_600_000;
/** Where codes are counted that this broker does not know: peers may be newer, and made-up codes must fill no table. */
const OTHER_CODES = 'other';

/** What was asked for: a transaction, a transaction of a group, a report, or nothing that could be read. */
export type RefusedOp = TokenOp | 'group' | 'report' | '';

export interface Failure {
  /** Null where no host is meant. */
  readonly hostId: PeerId | null;
  /** Who asked; null for a client that is not enrolled. */
  readonly clientId: Requester | null;
  readonly reporter: 'client' | 'host' | 'broker';
  readonly op: RefusedOp;
  readonly code: string;
  /** 1 when left out. */
  readonly count?: number;
}

export async function countFailures(db: EntityManager, failures: readonly Failure[], nowMs: number): Promise<void> {
  const counts = new Map<string, { failure: Failure; count: number }>();
  for (const reported of failures) {
    const failure = { ...reported, code: isErrorCode(reported.code) ? reported.code : OTHER_CODES };
    const name = nameOf(failure);
    const entry = counts.get(name) ?? { failure, count: 0 };
    entry.count += failure.count ?? 1;
    counts.set(name, entry);
  }
  for (const { failure, count } of counts.values()) await addCount(db, failure, count, nowMs);
}

/** What a failure is counted under. */
export function nameOf({ hostId, clientId, reporter, op, code }: Failure): string {
  return `${hostId} ${clientId} ${reporter} ${op} ${code}`;
}

/** lastAtMs: when it last happened; it is counted in that hour. */
export async function addCount(db: EntityManager, failure: Failure, count: number, lastAtMs: number): Promise<void> {
  const hourMs = Math.floor(lastAtMs / HOUR_MS) * HOUR_MS;
  const { hostId, clientId, reporter, op, code } = failure;
  await changeOne(
    db,
    `INSERT INTO peer_failures (host_id, client_id, reporter, op, code, hour_ms, failures, last_at_ms)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
     ON CONFLICT (host_id, client_id, reporter, op, code, hour_ms)
     DO UPDATE SET failures = peer_failures.failures + excluded.failures, last_at_ms = excluded.last_at_ms`,
    [hostId ?? '', clientId ?? '', reporter, op, code, hourMs, count, lastAtMs],
  );
}

export async function forgetOldFailures(db: EntityManager, nowMs: number): Promise<void> {
  await changeMany(db, 'DELETE FROM peer_failures WHERE hour_ms < $1', [nowMs - FAILURES_KEPT_MS]);
}
