// The broker's time on this machine: learned from signed answers, carried on by the monotonic clock.
import type { Clock } from '#process';
import type { UnixMs } from '#protocol';

export class BrokerTime {
  private learned: { brokerTimeMs: UnixMs; atMonotonicMs: number } | null = null;

  constructor(private readonly clock: Clock) {}

  /** True once an answer of the broker has told the time; before that, `nowMs` is this machine's own. */
  get known(): boolean {
    return this.learned !== null;
  }

  /** Take the time from an answer whose signature holds. */
  learn(brokerTimeMs: UnixMs): void {
    this.learned = { brokerTimeMs, atMonotonicMs: this.clock.monotonicMs() };
  }

  /** Unix ms by the broker's clock; a change of the local wall clock does not move it. */
  nowMs(): UnixMs {
    if (this.learned === null) return this.clock.nowMs();
    return this.learned.brokerTimeMs + Math.floor(this.clock.monotonicMs() - this.learned.atMonotonicMs);
  }
}
