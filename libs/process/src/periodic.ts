// A loop that runs one job again and again, never twice at once, and out of turn when asked; tests drive it by trigger().
import type { Clock } from './clock.js';
import type { Log } from './log.js';

export interface PeriodicOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
  /** How long to wait after a run, in ms; asked again after each, so that a job may set its own pace. */
  readonly intervalMs: () => number;
  readonly run: () => Promise<void>;
  /** The least time between two runs that `soon` began. */
  readonly soonMs?: number;
}

export class Periodic {
  private cancel: (() => void) | null = null;
  private running: Promise<void> | null = null;
  private stopped = true;
  private isAsked = false;
  private cancelAsked: (() => void) | null = null;
  private askedRunMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: PeriodicOptions) {}

  /** Begin; the first run comes after one interval. */
  start(): void {
    if (!this.stopped) return;
    this.stopped = false;
    this.wait();
  }

  /** Run now and wait for the end; joins a run that is under way. Throws what the job throws. */
  async trigger(): Promise<void> {
    if (this.running === null) {
      this.running = this.options.run().finally(() => {
        this.running = null;
      });
    }
    await this.running;
  }

  /**
   * A run that begins after this call: at once, when the one under way has ended, or when `soonMs` have passed since the
   * last one that was asked for. Asked for several times meanwhile, it runs once.
   */
  soon(): void {
    if (this.stopped || this.isAsked) return;
    this.isAsked = true;
    const { clock, soonMs = 0 } = this.options;
    const waitMs = this.askedRunMs + soonMs - clock.monotonicMs();
    if (waitMs <= 0) this.beginAsked();
    else this.cancelAsked = clock.schedule(waitMs, () => this.beginAsked());
  }

  /** No further runs; waits for the one under way. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.cancel?.();
    this.cancel = null;
    this.cancelAsked?.();
    // Whoever started that run has its error; stopping only waits.
    await this.running?.catch(() => undefined);
  }

  private beginAsked(): void {
    // Who began the run under way has its error.
    const before = this.running?.catch(() => undefined) ?? Promise.resolve();
    before
      .then(() => {
        this.isAsked = false;
        this.askedRunMs = this.options.clock.monotonicMs();
        return this.stopped ? undefined : this.trigger();
      })
      .catch((error: unknown) => this.tellFailed(error));
  }

  private tellFailed(error: unknown): void {
    this.options.log.warn({ event: 'periodic_failed', job: this.options.name, err: error });
  }

  private wait(): void {
    if (this.stopped) return;
    this.cancel = this.options.clock.schedule(this.options.intervalMs(), () => {
      this.trigger()
        .catch((error: unknown) => this.tellFailed(error))
        .finally(() => this.wait());
    });
  }
}
