// Randomness that repeats itself and looks random, and events that come in the order of their times.
import { describe, expect, it } from 'vitest';
import { EventQueue } from './event-queue.js';
import { SeededRandom } from './seeded-random.js';

const draws = (seed: number, stream: string, count = 5): number[] => {
  const random = new SeededRandom(seed, stream);
  return Array.from({ length: count }, () => random.next());
};
const mean = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

describe('SeededRandom', () => {
  it('repeats itself for one seed and stream, and for no other', () => {
    expect(draws(1, 'churn')).toEqual(draws(1, 'churn'));
    expect(draws(1, 'churn')).not.toEqual(draws(2, 'churn'));
    expect(draws(1, 'churn')).not.toEqual(draws(1, 'audits'));
  });

  it('fills [0, 1) evenly: 100 boxes of 100,000 numbers pass the chi-square test', () => {
    const boxes = new Array<number>(100).fill(0);
    for (const number of draws(7, 'even', 100_000)) boxes[Math.floor(number * 100)]! += 1;
    const chiSquare = boxes.reduce((sum, seen) => sum + (seen - 1_000) ** 2 / 1_000, 0);
    // 99 degrees of freedom: 99.9 % lie below 149, and 99.9 % above 60.
    expect(chiSquare).toBeGreaterThan(60);
    expect(chiSquare).toBeLessThan(149);
  });

  it('has the means that its distributions are named for', () => {
    const random = new SeededRandom(3, 'means');
    expect(mean(Array.from({ length: 50_000 }, () => random.exponential(8)))).toBeCloseTo(8, 0);
    expect(mean(Array.from({ length: 50_000 }, () => random.poisson(0.7)))).toBeCloseTo(0.7, 1);
    expect(random.exponential(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('EventQueue', () => {
  it('gives 20,000 events back in order, each with what belongs to it', () => {
    const random = new SeededRandom(1, 'queue');
    const queue = new EventQueue();
    const times = Array.from({ length: 20_000 }, () => random.below(5_000));
    for (const [number, time] of times.entries()) queue.add(time, number % 7, number, number + 1);
    const taken: number[] = [];
    let mixedUp = 0;
    while (queue.take(Number.POSITIVE_INFINITY)) {
      const { subject, kind, stamp, atHours } = queue;
      if (times[subject] !== atHours || kind !== subject % 7 || stamp !== subject + 1) mixedUp++;
      taken.push(atHours);
    }
    expect(mixedUp).toBe(0);
    expect(taken).toEqual(times.toSorted((left, right) => left - right));
  });

  it('gives nothing that is later than asked for, and keeps no event that never comes', () => {
    const queue = new EventQueue();
    queue.add(5, 1, 1);
    queue.add(Number.POSITIVE_INFINITY, 1, 2);
    expect(queue.size).toBe(1);
    expect(queue.take(4.9)).toBe(false);
    expect(queue.take(5)).toBe(true);
    expect(queue.take(Number.POSITIVE_INFINITY)).toBe(false);
  });
});
