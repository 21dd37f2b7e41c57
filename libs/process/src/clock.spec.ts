// The clock that tests turn: as the system's in what callers may rely on.
import { describe, expect, it } from 'vitest';
import { FakeClock } from './clock.js';

describe('FakeClock', () => {
  it('tells whole milliseconds, however what it runs falls between them', () => {
    const clock = new FakeClock(1_000_000);
    const told: number[] = [];
    const again = (): void => {
      told.push(clock.nowMs());
      clock.schedule(333.3 * Math.SQRT2, again);
    };
    again();
    for (let i = 0; i < 50; i++) clock.advance(1_000);
    expect(told.length).toBeGreaterThan(100);
    expect(told.filter((ms) => !Number.isSafeInteger(ms))).toEqual([]);
    expect([clock.nowMs(), clock.monotonicMs()]).toEqual([1_050_000, 50_000]);
  });

  it('runs what falls due in the order of time, also what that adds', () => {
    const clock = new FakeClock(0);
    const ran: [string, number][] = [];
    const note = (name: string) => (): void => void ran.push([name, clock.monotonicMs()]);
    clock.schedule(20, note('b'));
    clock.schedule(10, () => {
      note('a')();
      clock.schedule(5, note('a2'));
      clock.schedule(500, note('later'));
    });
    const cancel = clock.schedule(15, note('cancelled'));
    cancel();
    clock.advance(100);
    expect(ran).toEqual([
      ['a', 10],
      ['a2', 15],
      ['b', 20],
    ]);
  });

  it('moves the wall clock alone when it is set', () => {
    const clock = new FakeClock(5_000);
    clock.advance(10);
    clock.setWallMs(1_000);
    expect([clock.nowMs(), clock.monotonicMs()]).toEqual([1_000, 10]);
    clock.advance(10);
    expect([clock.nowMs(), clock.monotonicMs()]).toEqual([1_010, 20]);
  });
});
