// A transaction key of a peer, sealed by the key vault.

import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { PeerId } from '#protocol';
import { wholeNumber } from '../platform/columns.js';

/** `pending`: sent to the peer, not used by it yet. `previous`: replaced, but messages and tokens of it may be under way. */
export type KeyState = 'pending' | 'current' | 'previous';

@Entity('transaction_keys')
export class TransactionKeyEntity {
  @PrimaryColumn({ name: 'peer_id', type: 'text' })
  peerId!: PeerId;

  @PrimaryColumn({ type: 'text' })
  kid!: string;

  @Column({ type: 'text' })
  state!: KeyState;

  @Column({ name: 'sealed_key', type: 'text' })
  sealedKey!: string;

  @Column(wholeNumber('created_at_ms'))
  createdAtMs!: number;

  /** Unix ms, for a previous key. */
  @Column(wholeNumber('accepted_until_ms', { nullable: true }))
  acceptedUntilMs!: number | null;

  /** Transactions of the peer under this key, as far as they have been written down. */
  @Column({ ...wholeNumber('transaction_count'), default: 0 })
  transactionCount!: number;

  /** Since when the operator wants the peer to take another key; null for a key that may live on. */
  @Column(wholeNumber('renewal_asked_at_ms', { nullable: true }))
  renewalAskedAtMs!: number | null;
}
