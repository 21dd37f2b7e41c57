// Totals for progress: known at once from a parent, counted beside the backup without one, and never in its way.
import { describe, expect, it } from 'vitest';
import { FakeClock } from '#process';
import type { EntryStat } from '../files/entry-stat.js';
import type { WalkEvent } from '../files/walk.js';
import { TotalsEstimate } from './estimate.js';

const place = { path: Buffer.alloc(0), name: Buffer.alloc(0), depth: 1 };
const file = (sizeBytes: number): WalkEvent => ({ ...place, type: 'file', stat: { sizeBytes } as EntryStat });

/** A walk of so many files of 10 bytes, each of which takes `msEach` by the clock. */
async function* walkOf(count: number, clock: FakeClock, msEach = 0, walked = { files: 0 }): AsyncGenerator<WalkEvent> {
  yield { ...place, type: 'enter-dir', stat: null };
  for (let i = 0; i < count; i++) {
    clock.advance(msEach);
    walked.files++;
    yield file(10);
  }
  yield { ...place, type: 'skipped', reason: 'permission', errno: 'EACCES' };
  yield { ...place, type: 'leave-dir', stat: null };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the totals of a backup', () => {
  it('are those of the parent, and nothing is scanned', async () => {
    const clock = new FakeClock(0);
    const walked = { files: 0 };
    const estimate = new TotalsEstimate({ files: 5, bytes: 50 });
    estimate.scan(() => walkOf(100, clock, 0, walked), clock);
    await settle();
    expect([estimate.files, estimate.bytes, walked.files]).toEqual([5, 50, 0]);
    await estimate.end();
  });

  it('are unknown until the scan has counted all', async () => {
    const clock = new FakeClock(0);
    const estimate = new TotalsEstimate(null);
    estimate.scan(() => walkOf(1_000, clock), clock);
    expect([estimate.files, estimate.bytes]).toEqual([null, null]);
    await settle();
    expect([estimate.files, estimate.bytes]).toEqual([1_000, 10_000]);
    await estimate.end();
  });

  it('cost a quarter of the time: a scan that has worked rests three times as long', async () => {
    const clock = new FakeClock(0);
    const walked = { files: 0 };
    const estimate = new TotalsEstimate(null);
    estimate.scan(() => walkOf(1_000, clock, 1, walked), clock);
    await settle();
    const first = walked.files;
    expect(first).toBeLessThanOrEqual(32);
    clock.advance(first * 3 - 2);
    await settle();
    expect(walked.files).toBe(first);
    clock.advance(2);
    await settle();
    expect(walked.files).toBeGreaterThan(first);
    await estimate.end();
  });

  it('are not waited for: a scan that rests ends with the run', async () => {
    const clock = new FakeClock(0);
    const walked = { files: 0 };
    const estimate = new TotalsEstimate(null);
    estimate.scan(() => walkOf(1_000, clock, 1, walked), clock);
    await settle();
    await estimate.end();
    clock.advance(10_000);
    await settle();
    expect(walked.files).toBeLessThan(100);
    expect(estimate.files).toBeNull();
  });
});
