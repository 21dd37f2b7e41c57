// What the accounts of one unit can still set aside, while its requests to put are decided one after another. A request
// that is too dear is refused here, alone: the ledger would refuse the whole unit, and the others would be written again.
import { type AccountId, ProtocolError } from '#protocol';

export class PutCredit {
  private readonly available: Map<AccountId, bigint>;

  /** available   of every account that asks in this unit, bytes */
  constructor(available: ReadonlyMap<AccountId, bigint>) {
    this.available = new Map(available);
  }

  /**
   * Take what a request sets aside. A refused one takes nothing.
   *
   * throws   credit_exceeded
   */
  take(accountId: AccountId, neededBytes: bigint): void {
    const left = (this.available.get(accountId) ?? 0n) - neededBytes;
    if (left < 0n) throw new ProtocolError('credit_exceeded', { neededBytes: neededBytes.toString() });
    this.available.set(accountId, left);
  }
}
