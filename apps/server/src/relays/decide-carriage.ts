// What carried bytes cost: so much a byte, never more than the payer has. Pure.
import type { AccountId } from '#protocol';
import { type Movement, purseOf } from '../ledger/movement.js';
import { PRICE_STEPS } from './relay-policy.js';

export interface Carriage {
  /** Of the lease; with the bytes, the name of this movement, so that it is made once. */
  readonly leaseId: string;
  readonly payer: AccountId;
  readonly relay: AccountId;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/**
 * The movements for what leases moved since they were booked last. What a payer does not have is not charged: nobody is
 * kept from its backups by what carrying costs.
 *
 * bytePrice   credit for a byte, in steps of a thousandth
 * available   the free credit of every payer; spent in the order of the carriages
 */
export function decideCarriage(
  carriages: readonly Carriage[],
  { bytePrice, available }: { readonly bytePrice: number; readonly available: ReadonlyMap<AccountId, bigint> },
): Movement[] {
  const steps = BigInt(Math.round(bytePrice * PRICE_STEPS));
  if (steps === 0n) return [];
  const left = new Map(available);
  return carriages.flatMap(({ leaseId, payer, relay, bytesBefore, bytesAfter }): Movement[] => {
    // Of sums, so that it does not matter in how many parts they were told.
    const cost = costOf(bytesAfter, steps) - costOf(bytesBefore, steps);
    const free = left.get(payer) ?? 0n;
    const amount = cost < free ? cost : free;
    if (amount <= 0n || payer === relay) return [];
    left.set(payer, free - amount);
    return [
      {
        kind: 'carry',
        transactionId: `carry/${leaseId}/${bytesAfter}`,
        debit: purseOf('available', payer),
        credit: purseOf('available', relay),
        amount,
      },
    ];
  });
}

function costOf(bytes: number, steps: bigint): bigint {
  return (BigInt(bytes) * steps) / BigInt(PRICE_STEPS);
}
