// What the broker makes of how often a host answers, and of how fast it was (B23).
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { speedAfter } from './decide-speed.js';
import { firstWindow, UPTIME_WINDOW_MS, UPTIME_WINDOWS, uptimeFrom, windowOf } from './decide-uptime.js';

describe('uptimeFrom', () => {
  it.each([
    ['nobody asked', { shares: 0, windows: 0, current: { asked: 0, answered: 0 } }, null],
    ['always there, one window', { shares: 0, windows: 0, current: { asked: 7, answered: 7 } }, 1],
    ['there by half', { shares: 0, windows: 0, current: { asked: 8, answered: 4 } }, 0.5],
    [
      'a window with few questions counts like one with many',
      { shares: 1, windows: 1, current: { asked: 100, answered: 0 } },
      0.5,
    ],
    [
      'a window in which nobody asked counts for nothing',
      { shares: 3, windows: 4, current: { asked: 0, answered: 0 } },
      0.75,
    ],
  ])('%s', (_what, record, uptime) => {
    expect(uptimeFrom(record)).toBe(uptime);
  });

  it('keeps as many windows as it says', () => {
    const nowMs = 100 * UPTIME_WINDOW_MS + 5;
    expect((windowOf(nowMs) - firstWindow(nowMs)) / UPTIME_WINDOW_MS + 1).toBe(UPTIME_WINDOWS);
  });
});

describe('speedAfter', () => {
  const MB = 1_000_000;

  it('is the speed of the first transfer, then of what came since', () => {
    const first = speedAfter(undefined, { bytes: MB, tookMs: 500 })!;
    expect(first).toEqual({ bytesPerSecond: 2 * MB, samples: 1 });
    let speed = first;
    for (let i = 0; i < 200; i++) speed = speedAfter(speed, { bytes: MB, tookMs: 1_000 })!;
    expect(speed.bytesPerSecond).toBeCloseTo(MB, -1);
  });

  it('stays between the slowest and the fastest transfer', () => {
    const transfers = fc.array(
      fc.record({ bytes: fc.integer({ min: 70_000, max: 1e8 }), tookMs: fc.integer({ min: 1, max: 1e6 }) }),
      {
        minLength: 1,
        maxLength: 50,
      },
    );
    fc.assert(
      fc.property(transfers, (all) => {
        let speed = speedAfter(undefined, all[0]!)!;
        for (const transfer of all.slice(1)) speed = speedAfter(speed, transfer)!;
        const speeds = all.map(({ bytes, tookMs }) => (bytes / tookMs) * 1_000);
        expect(speed.bytesPerSecond).toBeGreaterThanOrEqual(Math.min(...speeds) * 0.999);
        expect(speed.bytesPerSecond).toBeLessThanOrEqual(Math.max(...speeds) * 1.001);
      }),
    );
  });

  it('lets one lie about a quick transfer raise it by little', () => {
    let speed = speedAfter(undefined, { bytes: MB, tookMs: 1_000 })!;
    for (let i = 0; i < 30; i++) speed = speedAfter(speed, { bytes: MB, tookMs: 1_000 })!;
    expect(speedAfter(speed, { bytes: 100 * MB, tookMs: 1 })!.bytesPerSecond).toBeLessThan(1.1 * MB);
  });

  it('learns nothing from a transfer of a few bytes', () => {
    expect(speedAfter(undefined, { bytes: 1_000, tookMs: 1 })).toBeNull();
  });
});
