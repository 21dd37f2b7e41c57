// At most so many at once: the limit on parallel work that waits in order.
import { strict as assert } from 'node:assert';

export class BoundedPool {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly atOnceMax: number) {
    assert(atOnceMax >= 1);
  }

  /** Run `work` when a place is free. Callers are themselves bounded: each holds at most a few of these. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.running >= this.atOnceMax) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.running++;
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.running--;
      else next();
    }
  }
}
