// A rate that a person can read: it settles, it forgets, and it does not guess too early.
import { describe, expect, it } from 'vitest';
import { RateMeter } from './rate-meter.js';

/** Note an amount every 500 ms, growing by `perSecond`, for so many seconds. */
function run(meter: RateMeter, { fromMs = 0, seconds = 1, perSecond = 0, amount = 0 }): number {
  for (let half = 1; half <= seconds * 2; half++) meter.note(fromMs + half * 500, amount + (half * perSecond) / 2);
  return amount + seconds * perSecond;
}

describe('a rate', () => {
  it('is right from the first sample on where growth is steady', () => {
    const meter = new RateMeter(0);
    run(meter, { seconds: 1, perSecond: 100 });
    expect(meter.perSecond).toBeCloseTo(100, 6);
    run(meter, { fromMs: 1000, seconds: 60, perSecond: 100, amount: 100 });
    expect(meter.perSecond).toBeCloseTo(100, 6);
  });

  it('does not jump by one burst, and follows a lasting change', () => {
    const meter = new RateMeter(0);
    const amount = run(meter, { seconds: 30, perSecond: 100 });
    meter.note(30_500, amount + 1_000);
    expect(meter.perSecond).toBeLessThan(250);
    run(meter, { fromMs: 30_500, seconds: 60, perSecond: 10, amount: amount + 1_000 });
    expect(meter.perSecond).toBeGreaterThan(9);
    expect(meter.perSecond).toBeLessThan(12);
  });

  it('takes samples that come at once as one', () => {
    const meter = new RateMeter(0);
    meter.note(1, 1_000_000);
    expect(meter.perSecond).toBe(0);
  });

  it('falls when nothing happens', () => {
    const meter = new RateMeter(0);
    const amount = run(meter, { seconds: 10, perSecond: 100 });
    run(meter, { fromMs: 10_000, seconds: 30, perSecond: 0, amount });
    expect(meter.perSecond).toBeLessThan(5);
  });
});

describe('the time that is left', () => {
  it('is not told before anybody can tell', () => {
    const meter = new RateMeter(0);
    run(meter, { seconds: 1, perSecond: 100 });
    expect(meter.remainingSeconds(1_000, 500)).toBeNull();
    run(meter, { fromMs: 1_000, seconds: 4, perSecond: 100, amount: 100 });
    expect(meter.remainingSeconds(5_000, 500)).toBeCloseTo(5, 6);
  });

  it('is nothing when nothing remains, and unknown when it would be days', () => {
    const meter = new RateMeter(0);
    run(meter, { seconds: 10, perSecond: 1 });
    expect(meter.remainingSeconds(10_000, -5)).toBe(0);
    expect(meter.remainingSeconds(10_000, 10_000_000)).toBeNull();
  });
});
