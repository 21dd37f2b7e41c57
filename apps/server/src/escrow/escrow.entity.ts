// The master key of an account, sealed by its owner under a key that the broker derives. Without a sealed key: asked for only.

import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { AccountId, PeerId } from '#protocol';
import { wholeNumber } from '../platform/columns.js';

@Entity('escrows')
export class EscrowEntity {
  @PrimaryColumn({ name: 'account_id', type: 'text' })
  accountId!: AccountId;

  /** Part of the label of the second key: when this row is gone, nobody can derive that key again. */
  @Column({ name: 'escrow_id', type: 'text' })
  escrowId!: string;

  @Column({ name: 'escrowed_key', type: 'text', nullable: true })
  sealedKey!: string | null;

  @Column({ name: 'asked_by', type: 'text' })
  askedBy!: PeerId;

  @Column(wholeNumber('stored_at_ms', { nullable: true }))
  storedAtMs!: number | null;
}
