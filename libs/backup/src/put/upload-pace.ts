// Lets objects begin their travel: as many as make the whole fast, within a bound of bytes.
import { strict as assert } from 'node:assert';
import type { Clock } from '#process';
import { TOKEN_LIFE_SHORT_MS_MAX } from '#protocol';
import { OBJECT_PADDED_BYTES_MAX } from '../limits.js';
import { decidePace, FIRST_PACE, type Pace } from './decide-pace.js';

const MiB = 1024 * 1024;
/** Sealed bytes under way; their parity comes to it, half as much at 4 of 6. */
export const UPLOAD_BYTES_MAX = 80 * MiB;

/** A measurement is of so many objects and so long, at least: one that ends late must not decide. */
const MEASURED_OBJECTS_MIN = 4;
const MEASURED_MS_MIN = 1_000;

/** Under a limit no more is begun than it moves in this part of the life of a token, parity and all. */
const PART_OF_TOKEN_LIFE = 0.3;

export interface UploadPaceOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** Bytes a second that may be sent at this time; null, or nothing, is no limit. */
  readonly uploadLimit?: () => number | null;
}

export class UploadPace {
  private pace: Pace = FIRST_PACE;
  private count = 0;
  private bytes = 0;
  /** The measurement under way. */
  private sinceMs: number;
  private idleSinceMs: number;
  private endedObjects = 0;
  private endedBytes = 0;
  private wasWanted = false;

  constructor(private readonly options: UploadPaceOptions) {
    this.sinceMs = options.clock.monotonicMs();
    this.idleSinceMs = this.sinceMs;
  }

  get places(): number {
    return this.pace.places;
  }

  /** May an object of so many bytes begin? One always may when nothing is under way; else ask again when one has ended. */
  admits(sizeBytes: number): boolean {
    if (this.count === 0) return true;
    if (this.bytes + sizeBytes > this.bytesMax()) return false;
    if (this.count < this.pace.places) return true;
    this.wasWanted = true;
    return false;
  }

  /** An object is on its way. The returned function is called once when it has ended, with whether it was stored. */
  begin(sizeBytes: number): (isStored: boolean) => void {
    // While nothing was under way nothing could be measured.
    if (this.count === 0) this.sinceMs += this.options.clock.monotonicMs() - this.idleSinceMs;
    this.count++;
    this.bytes += sizeBytes;
    let ended = false;
    return (isStored) => {
      assert(!ended);
      ended = true;
      this.count--;
      this.bytes -= sizeBytes;
      if (isStored) this.measure(sizeBytes);
      this.idleSinceMs = this.options.clock.monotonicMs();
    };
  }

  private measure(sizeBytes: number): void {
    this.endedObjects++;
    this.endedBytes += sizeBytes;
    const tookMs = this.options.clock.monotonicMs() - this.sinceMs;
    if (this.endedObjects < Math.max(MEASURED_OBJECTS_MIN, this.pace.places) || tookMs < MEASURED_MS_MIN) return;
    // Where the disk or this machine is the slower one, more places would change nothing.
    if (this.wasWanted) this.pace = decidePace(this.pace, (this.endedBytes * 1000) / tookMs);
    this.measureAnew();
  }

  private measureAnew(): void {
    this.sinceMs = this.options.clock.monotonicMs();
    this.endedObjects = 0;
    this.endedBytes = 0;
    this.wasWanted = false;
  }

  private bytesMax(): number {
    const rate = this.options.uploadLimit?.() ?? null;
    if (rate === null) return UPLOAD_BYTES_MAX;
    return Math.min(UPLOAD_BYTES_MAX, (rate * PART_OF_TOKEN_LIFE * TOKEN_LIFE_SHORT_MS_MAX) / 1000);
  }
}

// Two of the largest travel at once: one waits for its slowest host while the other goes on.
assert(2 * OBJECT_PADDED_BYTES_MAX <= UPLOAD_BYTES_MAX);
