// How many objects travel: it finds the capacity of a network from above and below, and never passes its bounds.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '#process';
import { decidePace, FIRST_PACE, type Pace, PLACES_MAX, PLACES_MIN } from './decide-pace.js';
import { UPLOAD_BYTES_MAX, UploadPace } from './upload-pace.js';

const MiB = 1024 * 1024;

/** Places after measurements in a network that carries so much for each object, and so much for all. */
function settle(perObject: number, capacity: number, measurements: number, from: Pace = FIRST_PACE): Pace[] {
  const seen: Pace[] = [];
  let pace = from;
  for (let i = 0; i < measurements; i++) {
    pace = decidePace(pace, Math.min(pace.places * perObject, capacity));
    seen.push(pace);
  }
  return seen;
}

describe('decidePace', () => {
  it('finds how many objects fill the network, and stays within one of it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 14 }), fc.integer({ min: 1, max: 1e9 }), (fills, perObject) => {
        const last = settle(perObject, fills * perObject, 120).slice(-40);
        for (const { places } of last) expect(Math.abs(places - fills)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('finds it anew when the network changes', () => {
    const wide = settle(1_000, 12_000, 100).at(-1)!;
    expect(wide.places).toBeGreaterThanOrEqual(11);
    const narrow = settle(1_000, 4_000, 150, wide).slice(-30);
    for (const { places } of narrow) expect(places).toBeLessThanOrEqual(5);
    const wideAgain = settle(1_000, 12_000, 150, narrow.at(-1)!).at(-1)!;
    expect(wideAgain.places).toBeGreaterThanOrEqual(11);
  });

  it('stays within its bounds whatever is measured', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 1e-3, max: 1e12, noNaN: true }), { maxLength: 200 }), (rates) => {
        let pace = FIRST_PACE;
        for (const rate of rates) {
          pace = decidePace(pace, rate);
          expect(pace.places).toBeGreaterThanOrEqual(PLACES_MIN);
          expect(pace.places).toBeLessThanOrEqual(PLACES_MAX);
        }
      }),
    );
  });
});

/** Objects of one size through a line of a given capacity, as a packer sends them; seconds that all of them took. */
function send(
  pace: UploadPace,
  clock: FakeClock,
  objects: number,
  sizeBytes: number,
  speed: { each: number; all: number },
) {
  const under: { left: number; end: (isStored: boolean) => void }[] = [];
  let most = 0;
  for (let sent = 0; sent < objects || under.length > 0; ) {
    while (sent < objects && pace.admits(sizeBytes)) {
      under.push({ left: sizeBytes, end: pace.begin(sizeBytes) });
      sent++;
    }
    most = Math.max(most, under.length);
    clock.advance(50);
    const share = Math.min(speed.each, speed.all / under.length) * 0.05;
    for (const object of [...under]) {
      object.left -= share;
      if (object.left > 0) continue;
      under.splice(under.indexOf(object), 1);
      object.end(true);
    }
  }
  return { most, seconds: clock.monotonicMs() / 1000 };
}

describe('UploadPace', () => {
  const paceOf = (clock: FakeClock, limit: number | null = null) => new UploadPace({ clock, uploadLimit: () => limit });

  it('sends more small objects at once where each waits for its hosts', () => {
    const clock = new FakeClock(0);
    const { most, seconds } = send(paceOf(clock), clock, 400, MiB, { each: MiB, all: 12 * MiB });
    expect(most).toBeGreaterThanOrEqual(11);
    expect(most).toBeLessThanOrEqual(PLACES_MAX);
    // Three at once, as they begin, would take 133 s; twelve take 33.
    expect(seconds).toBeLessThan(60);
  });

  it('keeps the bytes under way below their bound', () => {
    const clock = new FakeClock(0);
    const { most } = send(paceOf(clock), clock, 200, 16 * MiB, { each: MiB, all: 100 * MiB });
    expect(most * 16 * MiB).toBeLessThanOrEqual(UPLOAD_BYTES_MAX);
    expect(most).toBe(5);
  });

  it('begins under a limit only what the limit moves while tokens live', () => {
    const clock = new FakeClock(0);
    const limit = 128 * 1024;
    const { most } = send(paceOf(clock, limit), clock, 6, 16 * MiB, { each: limit, all: limit });
    expect(most).toBe(2);
    const lowest = new FakeClock(0);
    expect(send(paceOf(lowest, limit / 2), lowest, 3, 20 * MiB, { each: limit, all: limit }).most).toBe(1);
  });

  it('does not grow while nobody waits for a place', () => {
    const clock = new FakeClock(0);
    const pace = paceOf(clock);
    for (let i = 0; i < 100; i++) {
      const end = pace.begin(MiB);
      clock.advance(500);
      end(true);
    }
    expect(pace.places).toBe(FIRST_PACE.places);
  });
});
