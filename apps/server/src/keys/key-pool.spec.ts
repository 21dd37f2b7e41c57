// Keys drawn ahead of time (B3): each is given once, whatever the order of taking, filling and running dry.
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { KEY_POOL_LOW_WATER, KEY_POOL_SIZE } from '../limits.js';
import { KeyPool, KeySource, SystemKeySource } from './key-pool.js';

/** A source that gives nothing before it is told to. */
class SlowSource extends KeySource {
  drawn = 0;
  private release: () => void = () => undefined;
  private readonly released = new Promise<void>((resolve) => {
    this.release = resolve;
  });

  async draw(): Promise<Uint8Array> {
    await this.released;
    this.drawn++;
    return randomBytes(32);
  }

  answer(): void {
    this.release();
  }
}

describe('KeyPool', () => {
  it('fills to its size, draws nothing while it is above its low-water mark, and fills again below it (B3)', async () => {
    const pool = new KeyPool(new SystemKeySource());
    await pool.refill();
    expect(pool.size).toBe(KEY_POOL_SIZE);
    for (let taken = 0; taken < KEY_POOL_SIZE - KEY_POOL_LOW_WATER; taken++) pool.take();
    await pool.refill();
    expect(pool.size).toBe(KEY_POOL_LOW_WATER);
    pool.take();
    await pool.refill();
    expect(pool.size).toBe(KEY_POOL_SIZE);
  });

  it('gives every key once, over its end and over refills (B3)', async () => {
    const pool = new KeyPool(new SystemKeySource());
    const given = new Set<string>();
    let taken = 0;
    for (const count of [3, KEY_POOL_SIZE, 1, KEY_POOL_SIZE + 40, 7]) {
      const refilling = pool.refill();
      for (let i = 0; i < count; i++, taken++) given.add(pool.take().kid);
      await refilling;
    }
    expect(given.size).toBe(taken);
  });

  it('waits for no source that is slow: it takes from the operating system (B3)', async () => {
    const source = new SlowSource();
    const pool = new KeyPool(source);
    const refilling = [pool.refill(), pool.refill()];
    expect(pool.take().kid).not.toBe(pool.take().kid);
    expect(source.drawn).toBe(0);
    source.answer();
    await Promise.all(refilling);
    // Two calls at once were one.
    expect([pool.size, source.drawn]).toEqual([KEY_POOL_SIZE, KEY_POOL_SIZE]);
  });
});
