// A scheduled backup waits for its turn in the home: told once, not for ever, and stopped when it is asked to.
import { describe, expect, it } from 'vitest';
import { FakeClock } from '#process';
import { ProtocolError } from '#protocol';
import { waitForHome } from './wait-for-home.js';

const MINUTE_MS = 60_000;

/** A home that is free from its nth look on; each look that finds it taken lets time pass. */
function homeFreeAfter(looksTaken: number, clock: FakeClock, lookMs = 2_000) {
  const looks = { count: 0 };
  const take = async (): Promise<string> => {
    if (looks.count++ >= looksTaken) return 'mine';
    queueMicrotask(() => setImmediate(() => clock.advance(lookMs)));
    throw new ProtocolError('home_in_use');
  };
  return { take, looks };
}

function waiting(waitMs: number, clock: FakeClock, signal = new AbortController().signal) {
  const told: string[] = [];
  return { told, options: { waitMs, clock, signal, onWait: () => told.push('waits') } };
}

describe('waiting for a home', () => {
  it('takes a home that is free at once, and says nothing', async () => {
    const clock = new FakeClock(0);
    const { told, options } = waiting(MINUTE_MS, clock);
    expect(await waitForHome(homeFreeAfter(0, clock).take, options)).toBe('mine');
    expect(told).toEqual([]);
  });

  it('takes it when the other command has ended, and has said once that it waits', async () => {
    const clock = new FakeClock(0);
    const { told, options } = waiting(MINUTE_MS, clock);
    expect(await waitForHome(homeFreeAfter(7, clock).take, options)).toBe('mine');
    expect(told).toEqual(['waits']);
  });

  it('gives up at its time', async () => {
    const clock = new FakeClock(0);
    const home = homeFreeAfter(Number.POSITIVE_INFINITY, clock);
    await expect(waitForHome(home.take, waiting(MINUTE_MS, clock).options)).rejects.toMatchObject({
      code: 'home_in_use',
    });
    expect([home.looks.count, clock.monotonicMs()]).toEqual([31, MINUTE_MS]);
  });

  it('does not wait where it is not to', async () => {
    const clock = new FakeClock(0);
    const home = homeFreeAfter(1, clock);
    const { told, options } = waiting(0, clock);
    await expect(waitForHome(home.take, options)).rejects.toMatchObject({ code: 'home_in_use' });
    expect([home.looks.count, told]).toEqual([1, []]);
  });

  it('ends when the command is stopped', async () => {
    const clock = new FakeClock(0);
    const stop = new AbortController();
    const take = async (): Promise<never> => {
      setImmediate(() => stop.abort());
      throw new ProtocolError('home_in_use');
    };
    await expect(waitForHome(take, waiting(MINUTE_MS, clock, stop.signal).options)).rejects.toMatchObject({
      code: 'interrupted',
    });
  });

  it('does not hide that the home is broken', async () => {
    const clock = new FakeClock(0);
    const take = () => Promise.reject(new ProtocolError('local_disk'));
    await expect(waitForHome(take, waiting(MINUTE_MS, clock).options)).rejects.toMatchObject({ code: 'local_disk' });
  });
});
