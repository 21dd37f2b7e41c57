// Decides how a transaction ends whose time for the first reports is over. Pure.
import type { Transaction, TransactionState } from './transaction-rows.js';

/**
 * With a receipt the bytes of a put are at the host: a client that keeps silent does not get its credit back for them.
 * A deletion needs the host's word alone, because only the host loses by it. A stream happened when both ends say so;
 * a universal or offline token, when it was used.
 */
export function decideEnd({ op, hasReceipt, clientOutcome, uses }: Transaction): TransactionState {
  switch (op) {
    case 'put':
      return hasReceipt ? 'unconfirmed' : 'void';
    case 'delete':
      return hasReceipt ? 'settled' : 'void';
    case 'stream':
      return hasReceipt && clientOutcome === 'done' ? 'settled' : 'void';
    case 'universal':
    case 'offline':
      return uses > 0 ? 'settled' : 'void';
    case 'get':
    case 'audit':
    case 'probe':
      return 'void';
  }
}
