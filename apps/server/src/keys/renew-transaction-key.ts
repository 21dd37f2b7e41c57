// A peer asks for its next transaction key (B5).
import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type RenewTransactionKeyAnswer, WRAP_NONCE_BYTES, wrapTransactionKey } from '#protocol';
import type { Caller } from '../control/caller.js';
import { TransactionKeys } from './transaction-keys.js';

@Injectable()
export class RenewTransactionKey {
  constructor(private readonly keys: TransactionKeys) {}

  /** The next key, sealed under the key that signed the request. */
  async run(caller: Caller): Promise<RenewTransactionKeyAnswer> {
    const next = await this.keys.offerNext(caller.peer.peerId);
    const nonce = randomBytes(WRAP_NONCE_BYTES);
    return { wrappedKey: wrapTransactionKey(next, caller.key, caller.peer.peerId, nonce) };
  }
}
