// Time as a port: production reads the system, tests turn the hands.
import { strict as assert } from 'node:assert';

/** Wall time in Unix ms, and a monotonic time in ms that no clock change moves. */
export abstract class Clock {
  abstract nowMs(): number;
  abstract monotonicMs(): number;
  /** Call once after `delayMs`; the returned function cancels it. Never keeps the process alive by itself. */
  abstract schedule(delayMs: number, run: () => void): () => void;
}

export class SystemClock extends Clock {
  nowMs(): number {
    return Date.now();
  }

  monotonicMs(): number {
    return performance.now();
  }

  schedule(delayMs: number, run: () => void): () => void {
    const timer = setTimeout(run, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  }
}

/** A clock that moves only by `advance`; scheduled calls run in order of their time. For tests and the simulator. */
export class FakeClock extends Clock {
  private monotonic = 0;
  /** What the wall clock shows when the monotonic one shows 0, whole ms. */
  private wallBeginMs: number;
  private readonly waiting = new Set<{ dueMs: number; run: () => void }>();

  constructor(wallMs: number) {
    super();
    this.wallBeginMs = wallMs;
  }

  /** Whole, as the system's is, also in the middle of a millisecond. */
  nowMs(): number {
    return this.wallBeginMs + Math.floor(this.monotonic);
  }

  monotonicMs(): number {
    return this.monotonic;
  }

  schedule(delayMs: number, run: () => void): () => void {
    const entry = { dueMs: this.monotonic + delayMs, run };
    this.waiting.add(entry);
    return () => this.waiting.delete(entry);
  }

  /** Let `ms` pass: both times move, and what falls due runs. */
  advance(ms: number): void {
    assert(ms >= 0);
    const endMs = this.monotonic + ms;
    for (;;) {
      const next = this.firstDue(endMs);
      if (next === null) break;
      this.waiting.delete(next);
      this.monotonic = Math.max(this.monotonic, next.dueMs);
      next.run();
    }
    this.monotonic = endMs;
  }

  /** Move the wall clock alone, forward or back, as a person or NTP would. */
  setWallMs(wallMs: number): void {
    this.wallBeginMs = wallMs - Math.floor(this.monotonic);
  }

  private firstDue(endMs: number): { dueMs: number; run: () => void } | null {
    let first: { dueMs: number; run: () => void } | null = null;
    for (const entry of this.waiting) {
      if (entry.dueMs <= endMs && (first === null || entry.dueMs < first.dueMs)) first = entry;
    }
    return first;
  }
}
