// A limit is kept to the byte on a clock turned by hand: on the whole, in every second, between transfers and hosts.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '#process';
import { type PeerId, ProtocolError, uuidV7 } from '#protocol';
import { Bandwidth } from './bandwidth.js';
import { RateWatch } from './rate-watch.js';
import { heldBack } from './slices.js';

const KiB = 1024;
const NEVER = new AbortController().signal;
const peer = (number: number): PeerId => uuidV7<PeerId>(1_000, new Uint8Array(10).fill(number));

/** Transfers that always want more, each in pieces of one size; what each got, and when. */
function transfers(bandwidth: Bandwidth, clock: FakeClock, wants: readonly number[], signal = NEVER) {
  const got = wants.map(() => 0);
  const moves: { atMs: number; bytes: number }[] = [];
  const run = async (i: number): Promise<void> => {
    while (!signal.aborted) {
      const bytes = await bandwidth.take(wants[i]!, signal);
      expect(bytes).toBeGreaterThan(0);
      expect(bytes).toBeLessThanOrEqual(wants[i]!);
      got[i]! += bytes;
      moves.push({ atMs: clock.monotonicMs(), bytes });
      if (bandwidth.bytesPerSecond === null) return;
    }
  };
  const ended = Promise.allSettled(wants.map((_, i) => run(i)));
  return { got, moves, ended };
}

/** Let time pass in steps, and let everybody act at each. */
async function pass(clock: FakeClock, ms: number, stepMs = 10): Promise<void> {
  for (let at = 0; at < ms; at += stepMs) {
    clock.advance(stepMs);
    for (let turn = 0; turn < 8; turn++) await Promise.resolve();
  }
}

function mostInASecond(moves: readonly { atMs: number; bytes: number }[]): number {
  let [first, within, most] = [0, 0, 0];
  for (const { atMs, bytes } of moves) {
    within += bytes;
    while (moves[first]!.atMs <= atMs - 1_000) within -= moves[first++]!.bytes;
    most = Math.max(most, within);
  }
  return most;
}

describe('a limit', () => {
  it('is kept by all transfers together, in every second, and used: whatever its height and what they want', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 64, max: 100_000 }),
        fc.array(fc.integer({ min: 1_000, max: 512 * KiB }), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 5, max: 40 }),
        async (limitKib, wants, stepMs) => {
          const clock = new FakeClock(0);
          const rate = limitKib * KiB;
          const stop = new AbortController();
          const { got, moves, ended } = transfers(new Bandwidth(clock, () => rate), clock, wants, stop.signal);
          await pass(clock, 4_000, stepMs);
          stop.abort();
          await ended;
          const seconds = clock.monotonicMs() / 1000;
          const total = got.reduce((sum, bytes) => sum + bytes, 0);
          expect(total).toBeLessThanOrEqual(rate * seconds);
          expect(mostInASecond(moves)).toBeLessThanOrEqual(rate * 1.25 + 1);
          // Small wishes at a high limit are as many turns as the steps above give.
          if (wants.every((bytes) => bytes >= rate / 16)) expect(total).toBeGreaterThan(0.95 * rate * seconds);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('gives each transfer the same', async () => {
    const clock = new FakeClock(0);
    const stop = new AbortController();
    const bandwidth = new Bandwidth(clock, () => 1_000 * KiB);
    const { got, ended } = transfers(bandwidth, clock, [64 * KiB, 512 * KiB, 512 * KiB, 100 * KiB], stop.signal);
    await pass(clock, 30_000);
    stop.abort();
    await ended;
    for (const bytes of got) expect(bytes / (30_000 * 250 * 1.024)).toBeCloseTo(1, 1);
  });

  it('changes with the hour while bytes wait, and is gone at once when it ends', async () => {
    const clock = new FakeClock(0);
    const limit = (nowMs: number) => (nowMs < 10_000 ? 100 * KiB : nowMs < 20_000 ? 400 * KiB : null);
    const { moves, ended } = transfers(new Bandwidth(clock, limit), clock, [64 * KiB, 64 * KiB]);
    await pass(clock, 21_500);
    await ended;
    const between = (fromMs: number, toMs: number): number =>
      moves.filter(({ atMs }) => atMs > fromMs && atMs <= toMs).reduce((sum, { bytes }) => sum + bytes, 0);
    expect(between(0, 10_000) / (1_000 * KiB)).toBeCloseTo(1, 1);
    expect(between(11_000, 20_000) / (3_600 * KiB)).toBeCloseTo(1, 1);
    expect(moves.at(-1)!.atMs).toBeLessThanOrEqual(21_000);
  });

  it('lets no more transfers begin than it can carry at the least rate of hosts, those of idle hosts first', async () => {
    const clock = new FakeClock(0);
    const bandwidth = new Bandwidth(clock, () => 150 * KiB);
    const begun: number[] = [];
    const leave: (() => void)[] = [];
    const enter = (host: number): Promise<void> =>
      bandwidth.enter(peer(host), NEVER).then((end) => {
        begun.push(host);
        leave.push(end);
      });
    const all = [1, 1, 1, 1, 2].map(enter);
    await pass(clock, 100);
    expect(begun).toEqual([1, 1, 1]);
    leave[0]!();
    await pass(clock, 100);
    expect(begun).toEqual([1, 1, 1, 2]);
    leave[1]!();
    await Promise.all(all);
  });

  it('that is none holds nobody back', () => {
    const bandwidth = new Bandwidth(new FakeClock(0), () => null);
    expect(bandwidth.take(10_000_000, NEVER)).toBe(10_000_000);
  });

  it('lets go of who is stopped, and gives the others their turn', async () => {
    const clock = new FakeClock(0);
    const bandwidth = new Bandwidth(clock, () => 64 * KiB);
    const stop = new AbortController();
    const stopped = Promise.resolve(bandwidth.take(64 * KiB, stop.signal)).catch((error: unknown) => error);
    const other = bandwidth.take(4 * KiB, NEVER);
    const place = await bandwidth.enter(peer(1), NEVER);
    const waiting = bandwidth.enter(peer(2), stop.signal).catch((error: unknown) => error);
    stop.abort(new ProtocolError('transfer_too_slow'));
    expect(await stopped).toMatchObject({ code: 'transfer_too_slow' });
    expect(await waiting).toMatchObject({ code: 'transfer_too_slow' });
    await pass(clock, 100);
    expect(await other).toBe(4 * KiB);
    place();
    await bandwidth.enter(peer(3), NEVER);
  });
});

describe('the least rate', () => {
  it('does not count the time for which our own limit holds a transfer back', async () => {
    const clock = new FakeClock(0);
    let slow = 0;
    const watch = new RateWatch(clock, () => slow++);
    watch.start();
    let release = (_: number): void => undefined;
    const held = heldBack(new Promise<number>((resolve) => (release = resolve)), watch);
    clock.advance(600_000);
    expect(slow).toBe(0);
    release(1);
    await held;
    clock.advance(19_999);
    expect(slow).toBe(0);
    clock.advance(1);
    expect(slow).toBe(1);
  });

  it('is judged window by window, the bytes of the one before forgotten', () => {
    const clock = new FakeClock(0);
    let slow = 0;
    const watch = new RateWatch(clock, () => slow++);
    watch.start();
    watch.moved(128 * KiB);
    clock.advance(20_000);
    expect(slow).toBe(0);
    watch.moved(128 * KiB - 1);
    clock.advance(20_000);
    expect(slow).toBe(1);
  });
});
