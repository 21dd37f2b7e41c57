// A peer asks for its next transaction key (B5).
import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { CLOCK_SKEW_MS_MAX, type RenewTransactionKeyAnswer, WRAP_NONCE_BYTES, wrapTransactionKey } from '#protocol';
import { longestTokenLifeMs } from '../config/policy.js';
import type { Caller } from '../control/caller.js';
import { Settings } from '../platform/settings.js';
import { TransactionKeys } from './transaction-keys.js';

@Injectable()
export class RenewTransactionKey {
  constructor(
    private readonly keys: TransactionKeys,
    private readonly settings: Settings,
  ) {}

  /** The next key, sealed under the key that signed the request. */
  async run(caller: Caller): Promise<RenewTransactionKeyAnswer> {
    const next = await this.keys.offerNext(caller.peer.peerId);
    const nonce = randomBytes(WRAP_NONCE_BYTES);
    return {
      wrappedKey: wrapTransactionKey(next, caller.key, caller.peer.peerId, nonce),
      acceptPreviousMs: longestTokenLifeMs(this.settings.policy) + 2 * CLOCK_SKEW_MS_MAX,
    };
  }
}
