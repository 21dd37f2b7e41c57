// A person or organisation: owns objects, has credit, and may have a recovery phrase.

import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { AccountId } from '#protocol';
import { wholeNumber } from '../platform/columns.js';
import type { Email } from './email.js';

@Entity('accounts')
export class AccountEntity {
  @PrimaryColumn({ type: 'text' })
  id!: AccountId;

  @Column({ type: 'text' })
  name!: string;

  /** Ed25519 public key that the recovery phrase yields, base64url; null until the account has a phrase. */
  @Column({ name: 'recovery_key', type: 'text', nullable: true })
  recoveryKey!: string | null;

  /** In the spelling of parseEmail, unique; null for an account that an enrolment key made. */
  @Column({ type: 'text', nullable: true })
  email!: Email | null;

  /** PHC string of Argon2id; null as long as there is no e-mail address. */
  @Column({ name: 'password_hash', type: 'text', nullable: true })
  passwordHash!: string | null;

  @Column(wholeNumber('created_at_ms'))
  createdAtMs!: number;
}
