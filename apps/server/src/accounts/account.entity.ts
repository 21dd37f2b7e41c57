// A person or organisation: owns objects, has credit, and may have a recovery phrase.

import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { AccountId } from '#protocol';
import { wholeNumber } from '../platform/columns.js';

@Entity('accounts')
export class AccountEntity {
  @PrimaryColumn({ type: 'text' })
  id!: AccountId;

  @Column({ type: 'text' })
  name!: string;

  /** Ed25519 public key that the recovery phrase yields, base64url; null until the account has a phrase. */
  @Column({ name: 'recovery_key', type: 'text', nullable: true })
  recoveryKey!: string | null;

  @Column(wholeNumber('created_at_ms'))
  createdAtMs!: number;
}
