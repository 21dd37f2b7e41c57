// One relay, and what it last said about itself; with what an operator decided about it.
import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { PeerId } from '#protocol';
import { wholeNumber } from '../platform/columns.js';

@Entity('relays')
export class RelayEntity {
  @PrimaryColumn({ name: 'peer_id', type: 'text' })
  peerId!: PeerId;

  /** Where it says that peers and clients reach it. */
  @Column({ type: 'text' })
  address!: string;

  @Column({ type: 'integer' })
  port!: number;

  /** Where browsers reach it; null where they do not. */
  @Column({ name: 'web_port', type: 'integer', nullable: true })
  webPort!: number | null;

  @Column({ type: 'text', nullable: true })
  region!: string | null;

  @Column({ type: 'text' })
  program!: string;

  @Column({ type: 'integer' })
  peers!: number;

  @Column({ name: 'peers_max', type: 'integer' })
  peersMax!: number;

  @Column({ type: 'integer' })
  streams!: number;

  @Column(wholeNumber('bytes_per_second'))
  bytesPerSecond!: number;

  /** 1 while it stops: its peers should move. */
  @Column({ name: 'is_ending', type: 'integer' })
  isEnding!: number;

  @Column(wholeNumber('seen_at_ms'))
  seenAtMs!: number;

  /** Since when it gets no new peers, and why; null for one that does. */
  @Column(wholeNumber('drained_at_ms', { nullable: true }))
  drainedAtMs!: number | null;

  @Column({ name: 'drain_reason', type: 'text', nullable: true })
  drainReason!: string | null;

  /** What its leases moved in all, as far as it was booked. */
  @Column({ ...wholeNumber('carried_bytes'), default: 0 })
  carriedBytes!: number;
}
