// What one lease has moved, and whether it may move more now.
import type { Clock } from '#process';
import { type LeaseClaims, ProtocolError } from '#protocol';
import { BURST_BYTES_MIN, BURST_SECONDS, OPENINGS_BURST, OPENINGS_PER_SECOND } from '../limits.js';

export class LeaseUse {
  /** Moved under it, over all its streams, both directions together. */
  movedBytes = 0;
  /** Of them what the broker is told: of streams that this lease was shown for. */
  ownBytes = 0;
  /** What it has been told. */
  reportedBytes = 0;
  /** What may move at once; below zero it has moved ahead of its rate. */
  private allowanceBytes: number;
  private filledMs: number;
  /** Streams that may be opened at once. */
  private openings = OPENINGS_BURST;
  private openedMs: number;

  constructor(
    /** As it was shown; the broker is told of it by this. */
    readonly text: string,
    readonly claims: LeaseClaims,
    private readonly clock: Clock,
  ) {
    this.allowanceBytes = this.burstBytes;
    this.filledMs = clock.monotonicMs();
    this.openedMs = this.filledMs;
  }

  get isSpent(): boolean {
    return this.movedBytes >= this.claims.bytesMax;
  }

  /** May so many bytes more move before it is spent? */
  hasBytes(sizeBytes: number): boolean {
    return this.movedBytes + sizeBytes <= this.claims.bytesMax;
  }

  /** Count bytes that move now. Returns how long nothing more may move under it, in ms. */
  move(sizeBytes: number, isOwn: boolean): number {
    const { bytesPerSecondMax } = this.claims;
    const nowMs = this.clock.monotonicMs();
    const filled = ((nowMs - this.filledMs) * bytesPerSecondMax) / 1_000;
    this.filledMs = nowMs;
    this.allowanceBytes = Math.min(this.burstBytes, this.allowanceBytes + filled) - sizeBytes;
    this.movedBytes += sizeBytes;
    if (isOwn) this.ownBytes += sizeBytes;
    return this.allowanceBytes >= 0 ? 0 : (-this.allowanceBytes * 1_000) / bytesPerSecondMax;
  }

  /** Count a stream that is opened now. throws relay_full when its client opens them too fast */
  takeOpening(): void {
    const nowMs = this.clock.monotonicMs();
    const filled = ((nowMs - this.openedMs) * OPENINGS_PER_SECOND) / 1_000;
    this.openings = Math.min(OPENINGS_BURST, this.openings + filled);
    this.openedMs = nowMs;
    if (this.openings < 1) throw new ProtocolError('relay_full');
    this.openings--;
  }

  private get burstBytes(): number {
    return Math.max(BURST_BYTES_MIN, this.claims.bytesPerSecondMax * BURST_SECONDS);
  }
}
