// What a host may say to a peer: refusals of the protocol. Anything else is its own trouble, and the log's alone.
import { HOST_REFUSALS, isRefusal, ProtocolError } from '#protocol';

/**
 * The error as a peer may hear it: itself, or `internal` without its facts, and with it as the cause. A code of the host's
 * own machine would tell a peer its paths.
 */
export function hostRefusal(error: unknown): ProtocolError {
  if (!isRefusal(error)) return new ProtocolError('internal', {}, { cause: error });
  if (HOST_REFUSALS.has(error.code)) return error;
  const { transactionId } = error.facts;
  return new ProtocolError('internal', transactionId === undefined ? {} : { transactionId }, { cause: error });
}
