// Counts what went wrong between peers, per pair, code and hour; bounded by aggregation. For the operator to look at: no
// decision of the broker reads these counts.

import type { EntityManager } from 'typeorm';
import { changeMany, changeOne } from '#database';
import { isErrorCode, type PeerId } from '#protocol';
import { FAILURES_KEPT_MS } from '../limits.js';

const HOUR_MS = 3_600_000;
/** Where codes are counted that this broker does not know: peers may be newer, and made-up codes must fill no table. */
const OTHER_CODES = 'other';

export interface Failure {
  readonly hostId: PeerId;
  /** Null for a client that is not enrolled. */
  readonly clientId: PeerId | null;
  readonly reporter: 'client' | 'host';
  readonly code: string;
  /** 1 when left out. */
  readonly count?: number;
}

export async function countFailures(db: EntityManager, failures: readonly Failure[], nowMs: number): Promise<void> {
  const hourMs = Math.floor(nowMs / HOUR_MS) * HOUR_MS;
  const counts = new Map<string, { failure: Failure; count: number }>();
  for (const reported of failures) {
    const failure = { ...reported, code: isErrorCode(reported.code) ? reported.code : OTHER_CODES };
    const name = `${failure.hostId} ${failure.clientId} ${failure.reporter} ${failure.code}`;
    const entry = counts.get(name) ?? { failure, count: 0 };
    entry.count += failure.count ?? 1;
    counts.set(name, entry);
  }
  for (const { failure, count } of counts.values()) {
    await changeOne(
      db,
      `INSERT INTO peer_failures (host_id, client_id, reporter, code, hour_ms, failures) VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT (host_id, client_id, reporter, code, hour_ms)
       DO UPDATE SET failures = peer_failures.failures + excluded.failures`,
      [failure.hostId, failure.clientId ?? '', failure.reporter, failure.code, hourMs, count],
    );
  }
}

export async function forgetOldFailures(db: EntityManager, nowMs: number): Promise<void> {
  await changeMany(db, 'DELETE FROM peer_failures WHERE hour_ms < $1', [nowMs - FAILURES_KEPT_MS]);
}
