// What a peer says to its broker about escrow: the master key itself is sealed and opened here, on the peer's machine.
import { randomBytes } from 'node:crypto';
import type { PeerHome } from '#peer-home';
import {
  askEscrowKeyAnswer,
  claimRecoveryAnswer,
  decodeBase64url,
  type EscrowRecovery,
  type EscrowStatusAnswer,
  emptyAnswer,
  escrowRecovery,
  escrowStatusAnswer,
  openMasterKey,
  ProtocolError,
  sealMasterKey,
  unwrapEscrowKey,
  WRAP_NONCE_BYTES,
} from '#protocol';
import type { CallOptions } from './call-options.js';
import type { SignedExchange } from './signed-exchange.js';

/** What came out of escrow: the master key, and the public recovery key of the account to check it against. */
export interface RecoveredKey {
  readonly masterKey: Uint8Array;
  /** Ed25519, 32 bytes. */
  readonly recoveryKey: Uint8Array;
}

/** All methods throw as those of BrokerClient do. */
export class EscrowMessages {
  constructor(
    private readonly home: PeerHome,
    private readonly exchange: SignedExchange,
  ) {}

  /** What is in escrow, who asks for it, and what happened. */
  status(options: CallOptions = {}): Promise<EscrowStatusAnswer> {
    return this.exchange.run({ method: 'GET', path: '/v1/escrow', answer: escrowStatusAnswer, ...options });
  }

  /** Leave a master key with the broker, which can open it. throws escrow_exists | escrow_without_sign_in */
  async store(masterKey: Uint8Array, options: CallOptions = {}): Promise<void> {
    const { accountId, peerId } = this.home.identity;
    const under = this.home.transactionKeys().current;
    const { escrowId, wrappedKey } = await this.exchange.run({
      method: 'POST',
      path: '/v1/escrow-keys',
      body: {},
      answer: askEscrowKeyAnswer,
      key: under,
      ...options,
    });
    const name = { accountId, escrowId };
    const key = unwrapEscrowKey(wrappedKey, name, under, peerId);
    const sealedKey = sealMasterKey(masterKey, { ...name, key }, randomBytes(WRAP_NONCE_BYTES));
    key.fill(0);
    const body = { escrowId, sealedKey };
    await this.exchange.run({ method: 'POST', path: '/v1/escrow', body, answer: emptyAnswer, ...options });
  }

  /** Take it out again; fine also where there is none. */
  async remove(options: CallOptions = {}): Promise<void> {
    await this.exchange.run({ method: 'POST', path: '/v1/escrow-removals', body: {}, answer: emptyAnswer, ...options });
  }

  /** Ask for what is in escrow, or how long this machine still waits for it. */
  askRecovery(options: CallOptions = {}): Promise<EscrowRecovery> {
    const path = '/v1/escrow-recoveries';
    return this.exchange.run({ method: 'POST', path, body: {}, answer: escrowRecovery, ...options });
  }

  /** Get what this machine waited for; the broker gives it once. throws escrow_recovery_waiting | escrow_mismatch */
  async claim(recoveryId: string, options: CallOptions = {}): Promise<RecoveredKey> {
    const { accountId, peerId } = this.home.identity;
    const under = this.home.transactionKeys().current;
    const { escrowId, wrappedKey, sealedKey, recoveryKey } = await this.exchange.run({
      method: 'POST',
      path: `/v1/escrow-recoveries/${recoveryId}/claim`,
      body: {},
      answer: claimRecoveryAnswer,
      key: under,
      ...options,
    });
    if (recoveryKey === null) throw new ProtocolError('escrow_mismatch');
    const name = { accountId, escrowId };
    const key = unwrapEscrowKey(wrappedKey, name, under, peerId);
    return { masterKey: openMasterKey(sealedKey, { ...name, key }), recoveryKey: decodeBase64url(recoveryKey)! };
  }

  async cancel(recoveryId: string, options: CallOptions = {}): Promise<void> {
    const path = `/v1/escrow-recoveries/${recoveryId}/cancel`;
    await this.exchange.run({ method: 'POST', path, body: {}, answer: emptyAnswer, ...options });
  }
}
