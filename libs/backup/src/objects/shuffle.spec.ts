// The random order: every order, about equally often.
import { createCipheriv } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { shuffledOrder } from './shuffle.js';

describe('shuffledOrder', () => {
  it('draws each of the 24 orders of 4 about equally often', () => {
    const stream = createCipheriv('aes-256-ctr', Buffer.alloc(32, 1), Buffer.alloc(16));
    const counts = new Map<string, number>();
    for (let i = 0; i < 24_000; i++) {
      const order = shuffledOrder(4, (length) => stream.update(Buffer.alloc(length))).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    for (const count of counts.values()) {
      expect(count).toBeGreaterThan(850);
      expect(count).toBeLessThan(1_150);
    }
  });
});
