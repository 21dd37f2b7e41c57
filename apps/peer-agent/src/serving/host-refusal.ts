// What a host may say to a peer: refusals of the protocol. Anything else is its own trouble, and the log's alone.
import { type ErrorCode, isRefusal, ProtocolError } from '#protocol';

/** As many as peers believe of a host. A code of the host's own machine would tell them its paths. */
const HOST_REFUSALS: ReadonlySet<ErrorCode> = new Set([
  'token_missing',
  'token_invalid',
  'token_claims_invalid',
  'token_wrong_domain',
  'token_wrong_host',
  'token_wrong_client',
  'token_client_revoked',
  'token_not_yet_valid',
  'token_expired',
  'token_predates_restart',
  'host_unconfirmed',
  'token_in_use',
  'token_burned',
  'token_released_too_often',
  'token_wrong_op',
  'token_wrong_content',
  'token_budget_spent',
  'replay_list_full',
  'shard_unknown',
  'range_invalid',
  'shard_corrupt',
  'shard_retained',
  'batch_position_wrong',
  'shard_too_short',
  'shard_too_long',
  'shard_content_mismatch',
  'host_full',
  'host_read_only',
  'host_busy',
  'host_stopping',
  'report_outbox_full',
  'transfer_too_slow',
  'request_invalid',
  'request_too_large',
  'route_unknown',
]);

/** The error as a peer may hear it: itself, or `internal` without its facts, and with it as the cause. */
export function hostRefusal(error: unknown): ProtocolError {
  if (!isRefusal(error)) return new ProtocolError('internal', {}, { cause: error });
  if (HOST_REFUSALS.has(error.code)) return error;
  const { transactionId } = error.facts;
  return new ProtocolError('internal', transactionId === undefined ? {} : { transactionId }, { cause: error });
}
