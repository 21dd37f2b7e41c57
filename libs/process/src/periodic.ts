// A loop that runs one job again and again, never twice at once; tests drive it by trigger().
import type { Clock } from './clock.js';
import type { Log } from './log.js';

export interface PeriodicOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
  /** How long to wait after a run, in ms; asked again after each, so that a job may set its own pace. */
  readonly intervalMs: () => number;
  readonly run: () => Promise<void>;
}

export class Periodic {
  private cancel: (() => void) | null = null;
  private running: Promise<void> | null = null;
  private stopped = true;

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

  /** No further runs; waits for the one under way. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.cancel?.();
    this.cancel = null;
    // Whoever started that run has its error; stopping only waits.
    await this.running?.catch(() => undefined);
  }

  private wait(): void {
    if (this.stopped) return;
    this.cancel = this.options.clock.schedule(this.options.intervalMs(), () => {
      this.trigger()
        .catch((error: unknown) =>
          this.options.log.warn({ event: 'periodic_failed', job: this.options.name, err: error }),
        )
        .finally(() => this.wait());
    });
  }
}
