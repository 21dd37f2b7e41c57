// A machine that a person let in to recover from escrow, and how far it is. A row, so that a restart neither forgets it nor
// shortens its wait.

import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { AccountId, PeerId } from '#protocol';
import { wholeNumber } from '../platform/columns.js';

/** `approved`: may ask. `cancelled` is for good: the machine would have to be approved anew. */
export type RecoveryState = 'approved' | 'waiting' | 'given' | 'cancelled';

@Entity('escrow_recoveries')
export class EscrowRecoveryEntity {
  @PrimaryColumn({ name: 'peer_id', type: 'text' })
  peerId!: PeerId;

  @Column({ name: 'account_id', type: 'text' })
  accountId!: AccountId;

  /** Another one each time that the machine asks. */
  @Column({ type: 'text' })
  id!: string;

  @Column({ type: 'text' })
  state!: RecoveryState;

  /** How often it has asked so far. */
  @Column({ type: 'integer' })
  asks!: number;

  @Column(wholeNumber('asked_at_ms'))
  askedAtMs!: number;

  @Column(wholeNumber('wait_ms'))
  waitMs!: number;

  /** What of it has passed, up to `countedAtMs` of the monotonic clock of the run `countedBy`: see WaitingTime. */
  @Column(wholeNumber('waited_ms'))
  waitedMs!: number;

  @Column({ name: 'counted_by', type: 'text' })
  countedBy!: string;

  @Column(wholeNumber('counted_at_ms'))
  countedAtMs!: number;
}
