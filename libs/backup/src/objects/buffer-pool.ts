// Memory that is used again for one large object after another: fresh pages cost as much as hashing them, and so does the
// collection of garbage that they set off.
import { strict as assert } from 'node:assert';

export class BufferPool {
  private readonly free: Buffer[] = [];

  /**
   * slabBytes    every piece of memory has this size; what nobody touches of it is not real
   * keptMax      no more than this is kept for later
   * takenMin     smaller wishes get memory of their own size
   */
  constructor(private readonly options: { slabBytes: number; keptMax: number; takenMin: number }) {}

  /** Memory with anything in it. */
  take(sizeBytes: number): Buffer {
    const { slabBytes, takenMin } = this.options;
    if (sizeBytes < takenMin || sizeBytes > slabBytes) return Buffer.allocUnsafeSlow(sizeBytes);
    const slab = this.free.pop() ?? Buffer.allocUnsafeSlow(slabBytes);
    return slab.subarray(0, sizeBytes);
  }

  /** What `take` returned, once; nobody may look at it any more. */
  give(taken: Buffer): void {
    const { slabBytes, keptMax } = this.options;
    if (taken.buffer.byteLength !== slabBytes || this.free.length >= keptMax) return;
    const slab = Buffer.from(taken.buffer, 0, slabBytes);
    assert(
      this.free.every(({ buffer }) => buffer !== slab.buffer),
      'memory was given back twice',
    );
    this.free.push(slab);
  }
}
