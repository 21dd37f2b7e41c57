// What comes out of the pool twice, and what never does.
import { describe, expect, it } from 'vitest';
import { BufferPool } from './buffer-pool.js';

const pool = (): BufferPool => new BufferPool({ slabBytes: 1000, keptMax: 2, takenMin: 100 });

describe('BufferPool', () => {
  it('gives the same memory again, in the size that is asked for', () => {
    const buffers = pool();
    const first = buffers.take(700);
    buffers.give(first);
    const second = buffers.take(900);
    expect(second.buffer).toBe(first.buffer);
    expect(second).toHaveLength(900);
    expect(buffers.take(700).buffer).not.toBe(first.buffer);
  });

  it('never gives memory to two at once', () => {
    const buffers = pool();
    const taken = Array.from({ length: 5 }, () => buffers.take(500));
    expect(new Set(taken.map(({ buffer }) => buffer)).size).toBe(5);
  });

  it('makes small and oversized memory anew and does not keep it', () => {
    const buffers = pool();
    for (const sizeBytes of [0, 99, 1001]) {
      const taken = buffers.take(sizeBytes);
      expect(taken).toHaveLength(sizeBytes);
      buffers.give(taken);
      expect(buffers.take(500).buffer).not.toBe(taken.buffer);
    }
  });

  it('keeps no more than its bound', () => {
    const buffers = pool();
    const taken = Array.from({ length: 3 }, () => buffers.take(500));
    for (const buffer of taken) buffers.give(buffer);
    const known = new Set(taken.map(({ buffer }) => buffer));
    const again = Array.from({ length: 3 }, () => buffers.take(500));
    expect(again.filter(({ buffer }) => known.has(buffer))).toHaveLength(2);
  });

  it('refuses memory that was given back before', () => {
    const buffers = pool();
    const taken = buffers.take(500);
    buffers.give(taken);
    expect(() => buffers.give(taken)).toThrow();
  });
});
