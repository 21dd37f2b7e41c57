// A browser that is signed in. Only the hash of its secret id is kept.

import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { AccountId } from '#protocol';
import { wholeNumber } from '../platform/columns.js';

@Entity('sessions')
export class SessionEntity {
  @PrimaryColumn({ name: 'id_hash', type: 'text' })
  idHash!: string;

  @Column({ name: 'account_id', type: 'text' })
  accountId!: AccountId;

  @Column(wholeNumber('signed_in_at_ms'))
  signedInAtMs!: number;

  @Column(wholeNumber('seen_at_ms'))
  seenAtMs!: number;

  /** Unix ms; never moves on. */
  @Column(wholeNumber('expires_at_ms'))
  expiresAtMs!: number;
}
