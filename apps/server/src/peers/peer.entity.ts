// One enrolled machine, and what it last said about itself.

import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { AccountId, ChangedBy, PeerId, PeerState, StateCode } from '#protocol';
import { wholeNumber } from '../platform/columns.js';

export type { PeerState } from '#protocol';

/** A relay carries what others send each other; it hosts nothing and owns nothing. */
export type PeerKind = 'machine' | 'relay';

@Entity('peers')
export class PeerEntity {
  @PrimaryColumn({ type: 'text' })
  id!: PeerId;

  @Column({ name: 'account_id', type: 'text' })
  accountId!: AccountId;

  @Column({ type: 'text', default: 'machine' })
  kind!: PeerKind;

  @Column({ type: 'text' })
  name!: string;

  @Column({ type: 'text' })
  state!: PeerState;

  /** Of the last change of the state; null for a peer that is as it was when it enrolled. */
  @Column(wholeNumber('state_changed_at_ms', { nullable: true }))
  stateChangedAtMs!: number | null;

  @Column({ name: 'state_changed_by', type: 'text', nullable: true })
  stateChangedBy!: ChangedBy | null;

  @Column({ name: 'state_code', type: 'text', nullable: true })
  stateCode!: StateCode | null;

  @Column({ name: 'state_reason', type: 'text', nullable: true })
  stateReason!: string | null;

  /** When its probation ended; null for a peer that is on it, or was when it was suspended. */
  @Column(wholeNumber('vetted_at_ms', { nullable: true }))
  vettedAtMs!: number | null;

  /** Rises with every change of any peer's state, in the order of commits; 0 without a change. */
  @Column({ ...wholeNumber('state_revision'), default: 0 })
  stateRevision!: number;

  /** Identity key: SPKI, DER, base64url. One peer per key. */
  @Column({ name: 'public_key', type: 'text' })
  publicKey!: string;

  @Column(wholeNumber('certificate_expires_at_ms'))
  certificateExpiresAtMs!: number;

  /** Since when it may not delete; null for a machine that may. */
  @Column(wholeNumber('append_only_at_ms', { nullable: true }))
  appendOnlyAtMs!: number | null;

  @Column(wholeNumber('created_at_ms'))
  createdAtMs!: number;

  @Column(wholeNumber('seen_at_ms', { nullable: true }))
  seenAtMs!: number | null;

  /** Where it is reached as a host; null for a peer that stores nothing for others. */
  @Column({ type: 'text', nullable: true })
  address!: string | null;

  @Column({ type: 'integer', nullable: true })
  port!: number | null;

  /** The relay that it is attached to as a host. */
  @Column({ name: 'relay_id', type: 'text', nullable: true })
  relayId!: PeerId | null;

  @Column(wholeNumber('share_bytes', { nullable: true }))
  shareBytes!: number | null;

  @Column(wholeNumber('used_bytes', { nullable: true }))
  usedBytes!: number | null;

  @Column(wholeNumber('free_bytes', { nullable: true }))
  freeBytes!: number | null;

  /** Where it says that it stands. */
  @Column({ type: 'text', nullable: true })
  region!: string | null;

  /** The run of the host's home that was acknowledged last; null for a peer that never was a host. */
  @Column(wholeNumber('home_epoch', { nullable: true }))
  homeEpoch!: number | null;

  @Column({ name: 'home_run_id', type: 'text', nullable: true })
  homeRunId!: string | null;
}
