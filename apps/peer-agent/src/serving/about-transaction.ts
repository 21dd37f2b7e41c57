// Names the transaction in a refusal of an authentic token, so that the broker can be told which one it is about.
import { ProtocolError, type VerifiedToken } from '#protocol';

export function aboutTransaction<T>({ transactionId, op }: VerifiedToken, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    // What one use is refused for is no word about the others, and must not end their transaction.
    if (op === 'universal' || op === 'offline') throw error;
    throw new ProtocolError(error.code, { ...error.facts, transactionId }, { cause: error, detail: error.message });
  }
}
