// What came of the probes of one host, at the address and port that it was probed at.

import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ErrorCode, PeerId } from '#protocol';
import { wholeNumber } from '../platform/columns.js';

@Entity('host_probes')
export class HostProbeEntity {
  @PrimaryColumn({ name: 'peer_id', type: 'text' })
  peerId!: PeerId;

  @Column({ type: 'text' })
  address!: string;

  @Column({ type: 'integer' })
  port!: number;

  /** The relay through which it was asked; null without one. */
  @Column({ name: 'relay_id', type: 'text', nullable: true })
  relayId!: PeerId | null;

  /** In a row, since it last answered. */
  @Column({ type: 'integer' })
  failures!: number;

  /** Why the last probe failed; null when it did not. */
  @Column({ type: 'text', nullable: true })
  reason!: ErrorCode | null;

  @Column(wholeNumber('probed_at_ms'))
  probedAtMs!: number;

  /** When it last answered here; null for never. */
  @Column(wholeNumber('proved_at_ms', { nullable: true }))
  provedAtMs!: number | null;

  @Column(wholeNumber('due_at_ms'))
  dueAtMs!: number;

  /** As the last answer that told it has them. */
  @Column({ type: 'text', nullable: true })
  program!: string | null;

  @Column(wholeNumber('free_bytes', { nullable: true }))
  freeBytes!: number | null;
}
