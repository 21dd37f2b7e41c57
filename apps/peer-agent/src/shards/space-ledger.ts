// How much of the donated disk is taken, promised to transfers under way, and left.
import { strict as assert } from 'node:assert';
import { ProtocolError } from '#protocol';
import { FREE_SPACE_MARGIN_BYTES } from '../limits.js';

export interface SpaceLimits {
  /** What the owner donates, in bytes; asked each time, because the owner may change it. */
  readonly shareBytes: () => number;
  /** What the file system has left, in bytes. */
  readonly freeBytes: () => number;
}

export interface Reservation {
  /** The transfer has ended; `keptBytes` of it stay on the disk. Once only. */
  end(keptBytes: number): void;
}

export class SpaceLedger {
  private reservedBytes = 0;

  constructor(
    private stored: { shardCount: number; usedBytes: number },
    private readonly limits: SpaceLimits,
  ) {}

  get usedBytes(): number {
    return this.stored.usedBytes;
  }

  get shardCount(): number {
    return this.stored.shardCount;
  }

  /** What can still be promised, in bytes. Transfers under way count in full, though they have written a part. */
  get leftBytes(): number {
    const ofShare = this.limits.shareBytes() - this.stored.usedBytes;
    const ofDisk = this.limits.freeBytes() - FREE_SPACE_MARGIN_BYTES;
    return Math.max(0, Math.min(ofShare, ofDisk) - this.reservedBytes);
  }

  /** A shard went into the trash: its bytes are taken until it is emptied. */
  deleted(): void {
    this.stored = { ...this.stored, shardCount: this.stored.shardCount - 1 };
  }

  /** It came back from there. */
  takenBack(): void {
    this.stored = { ...this.stored, shardCount: this.stored.shardCount + 1 };
  }

  emptied(sizeBytes: number): void {
    this.stored = { ...this.stored, usedBytes: this.stored.usedBytes - sizeBytes };
  }

  /** throws host_full */
  reserve(sizeBytes: number): Reservation {
    if (sizeBytes > this.leftBytes) throw new ProtocolError('host_full', { sizeBytes });
    this.reservedBytes += sizeBytes;
    let ended = false;
    return {
      end: (keptBytes) => {
        assert(!ended);
        ended = true;
        this.reservedBytes -= sizeBytes;
        if (keptBytes > 0) {
          this.stored = { shardCount: this.stored.shardCount + 1, usedBytes: this.stored.usedBytes + keptBytes };
        }
      },
    };
  }
}
