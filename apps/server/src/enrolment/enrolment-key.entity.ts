// A key that lets machines enrol. Only its hash is stored: a stolen database enrols nobody.

import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { AccountId } from '#protocol';
import type { PeerKind } from '../peers/peer.entity.js';
import { wholeNumber } from '../platform/columns.js';

@Entity('enrolment_keys')
export class EnrolmentKeyEntity {
  @PrimaryColumn({ name: 'key_hash', type: 'text' })
  keyHash!: string;

  /** The account that each use adds a machine to; null: each use registers a new account. */
  @Column({ name: 'account_id', type: 'text', nullable: true })
  accountId!: AccountId | null;

  /** What each use lets in. */
  @Column({ type: 'text', default: 'machine' })
  purpose!: PeerKind;

  @Column({ name: 'uses_left', type: 'integer' })
  usesLeft!: number;

  @Column(wholeNumber('expires_at_ms'))
  expiresAtMs!: number;

  @Column(wholeNumber('created_at_ms'))
  createdAtMs!: number;
}
