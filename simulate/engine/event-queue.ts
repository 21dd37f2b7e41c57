// What will happen, soonest first: a binary heap in typed arrays, so that millions of events cost no objects.

const FIRST_CAPACITY = 1_024;

/** Times in hours. Events of one time come in an order that depends only on what was added before. */
export class EventQueue {
  private times = new Float64Array(FIRST_CAPACITY);
  private kinds = new Uint8Array(FIRST_CAPACITY);
  private subjects = new Int32Array(FIRST_CAPACITY);
  private stamps = new Int32Array(FIRST_CAPACITY);
  private count = 0;

  /** Of the event that `take` took last. */
  atHours = 0;
  kind = 0;
  subject = 0;
  stamp = 0;

  get size(): number {
    return this.count;
  }

  /** `stamp` tells the one who handles it whether it still holds. Events at Infinity never come and are not kept. */
  add(atHours: number, kind: number, subject: number, stamp = 0): void {
    if (atHours === Number.POSITIVE_INFINITY) return;
    if (this.count === this.times.length) this.grow();
    let hole = this.count++;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (this.times[parent]! <= atHours) break;
      this.move(parent, hole);
      hole = parent;
    }
    this.put(hole, atHours, kind, subject, stamp);
  }

  /** Take the next event into the fields above; false when there is none up to `untilHours`. */
  take(untilHours: number): boolean {
    if (this.count === 0 || this.times[0]! > untilHours) return false;
    this.atHours = this.times[0]!;
    this.kind = this.kinds[0]!;
    this.subject = this.subjects[0]!;
    this.stamp = this.stamps[0]!;
    const last = --this.count;
    if (last > 0) this.sink(last);
    return true;
  }

  /** The event at the end of the heap goes to the top, and down to where it belongs. */
  private sink(last: number): void {
    const atHours = this.times[last]!;
    const [kind, subject, stamp] = [this.kinds[last]!, this.subjects[last]!, this.stamps[last]!];
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= last) break;
      if (child + 1 < last && this.times[child + 1]! < this.times[child]!) child++;
      if (this.times[child]! >= atHours) break;
      this.move(child, hole);
      hole = child;
    }
    this.put(hole, atHours, kind, subject, stamp);
  }

  private move(from: number, to: number): void {
    this.times[to] = this.times[from]!;
    this.kinds[to] = this.kinds[from]!;
    this.subjects[to] = this.subjects[from]!;
    this.stamps[to] = this.stamps[from]!;
  }

  private put(at: number, atHours: number, kind: number, subject: number, stamp: number): void {
    this.times[at] = atHours;
    this.kinds[at] = kind;
    this.subjects[at] = subject;
    this.stamps[at] = stamp;
  }

  private grow(): void {
    const capacity = 2 * this.times.length;
    const [times, kinds] = [new Float64Array(capacity), new Uint8Array(capacity)];
    const [subjects, stamps] = [new Int32Array(capacity), new Int32Array(capacity)];
    times.set(this.times);
    kinds.set(this.kinds);
    subjects.set(this.subjects);
    stamps.set(this.stamps);
    [this.times, this.kinds, this.subjects, this.stamps] = [times, kinds, subjects, stamps];
  }
}
