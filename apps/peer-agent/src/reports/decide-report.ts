// What the broker is told of a refusal. Pure.
import type { ErrorCode } from '#protocol';

/**
 * Refusals before the claim after which the transaction cannot succeed on this host. Everything else may still end
 * well: a token that is in use, burned, or in a thief's hands belongs to a transaction that somebody is completing,
 * and a report that it failed would void it.
 */
const ENDS_TRANSACTION: ReadonlySet<ErrorCode> = new Set([
  'token_predates_restart',
  'token_client_revoked',
  'token_released_too_often',
  'host_full',
  'host_read_only',
  'shard_unknown',
  'shard_retained',
  'shard_put_again',
]);

/** Faults of the request's form, and our own mistakes, say nothing about a transaction or a client. */
const NOT_REPORTED: ReadonlySet<ErrorCode> = new Set(['route_unknown', 'request_invalid', 'internal']);

export type RefusalReport = 'failed' | 'refused' | null;

/** transactionId: null when the token was not authentic, and so named none */
export function decideReport(code: ErrorCode, transactionId: string | null): RefusalReport {
  if (NOT_REPORTED.has(code)) return null;
  return transactionId !== null && ENDS_TRANSACTION.has(code) ? 'failed' : 'refused';
}
