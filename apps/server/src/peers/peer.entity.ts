// One enrolled machine, and what it last said about itself.

import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { AccountId, PeerId } from '#protocol';
import { wholeNumber } from '../platform/columns.js';

export type PeerState = 'active' | 'suspended';

@Entity('peers')
export class PeerEntity {
  @PrimaryColumn({ type: 'text' })
  id!: PeerId;

  @Column({ name: 'account_id', type: 'text' })
  accountId!: AccountId;

  @Column({ type: 'text' })
  name!: string;

  @Column({ type: 'text' })
  state!: PeerState;

  /** Identity key: SPKI, DER, base64url. One peer per key. */
  @Column({ name: 'public_key', type: 'text' })
  publicKey!: string;

  @Column(wholeNumber('certificate_expires_at_ms'))
  certificateExpiresAtMs!: number;

  @Column(wholeNumber('created_at_ms'))
  createdAtMs!: number;

  @Column(wholeNumber('seen_at_ms', { nullable: true }))
  seenAtMs!: number | null;

  /** Where it is reached as a host; null for a peer that stores nothing for others. */
  @Column({ type: 'text', nullable: true })
  address!: string | null;

  @Column({ type: 'integer', nullable: true })
  port!: number | null;

  @Column(wholeNumber('share_bytes', { nullable: true }))
  shareBytes!: number | null;

  @Column(wholeNumber('used_bytes', { nullable: true }))
  usedBytes!: number | null;

  @Column(wholeNumber('free_bytes', { nullable: true }))
  freeBytes!: number | null;
}
