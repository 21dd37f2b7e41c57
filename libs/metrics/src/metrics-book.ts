// The figures of one running application as Prometheus reads them: counted in memory, told as text. Each application has a
// book of its own, so that several run in one process.
import { strict as assert } from 'node:assert';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** A name, without the program's prefix, and what it means. Units are in the name: _seconds, _bytes, _ratio; counters end in _total. */
export interface Named<L extends string = never> {
  readonly name: string;
  readonly help: string;
  /** Each takes few values, that stand in the program: never an id, an address or a word of a peer. */
  readonly labels?: readonly L[];
}

export type { Counter, Gauge, Histogram } from 'prom-client';

/** What a gauge shows at the moment it is asked: one number, or one for each value of its label; null is not shown. */
export type Reading = number | null | Readonly<Record<string, number>>;

const NAME = /^[a-z][a-z0-9_]*$/;

export class MetricsBook {
  private readonly registry = new Registry();

  /** prefix   `peerkeep_broker_` */
  constructor(private readonly prefix: string) {
    assert(NAME.test(prefix));
  }

  /** Of the text. */
  get contentType(): string {
    return this.registry.contentType;
  }

  /** Also tell processor, memory, event loop and collection of garbage of the whole process. */
  watchProcess(): void {
    collectDefaultMetrics({ register: this.registry });
  }

  counter<L extends string = never>({ labels = [], ...named }: Named<L>): Counter<L> {
    assert(named.name.endsWith('_total'), `${named.name}: a counter ends in _total`);
    return new Counter({ ...this.full(named), labelNames: labels, registers: [this.registry] });
  }

  /** bounds   of its buckets, rising */
  histogram<L extends string = never>({ labels = [], ...named }: Named<L>, bounds: readonly number[]): Histogram<L> {
    return new Histogram({ ...this.full(named), labelNames: labels, buckets: [...bounds], registers: [this.registry] });
  }

  /** Asked whenever the text is; one with a label has a number for each of its values. */
  gauge({ labels: [label, ...more] = [], ...named }: Named<string>, read: () => Reading | Promise<Reading>): void {
    assert(more.length === 0, `${named.name}: a gauge has one label at most`);
    new Gauge({
      ...this.full(named),
      labelNames: label === undefined ? [] : [label],
      registers: [this.registry],
      async collect() {
        const reading = await read();
        this.reset();
        if (reading === null) this.remove();
        else if (typeof reading === 'number') this.set(reading);
        else for (const [value, number] of Object.entries(reading)) this.set({ [label!]: value }, number);
      },
    });
  }

  /** As a gauge, of what only grows and is counted elsewhere. */
  counted({ labels: [label, ...more] = [], ...named }: Named<string>, read: () => Reading): void {
    assert(more.length === 0, `${named.name}: it has one label at most`);
    assert(named.name.endsWith('_total'), `${named.name}: a counter ends in _total`);
    new Counter({
      ...this.full(named),
      labelNames: label === undefined ? [] : [label],
      registers: [this.registry],
      collect() {
        const reading = read();
        this.reset();
        if (reading === null) return;
        if (typeof reading === 'number') this.inc(reading);
        else for (const [value, number] of Object.entries(reading)) this.inc({ [label!]: value }, number);
      },
    });
  }

  /** The text exposition format, version 0.0.4. */
  text(): Promise<string> {
    return this.registry.metrics();
  }

  private full({ name, help }: Pick<Named, 'name' | 'help'>): { name: string; help: string } {
    assert(NAME.test(name));
    return { name: `${this.prefix}${name}`, help };
  }
}
