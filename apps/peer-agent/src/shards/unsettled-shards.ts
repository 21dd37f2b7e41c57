// Shards whose file and row do not say the same just now: being put, or being deleted. The sweep keeps away from them,
// and a delete keeps away from a put.
import { strict as assert } from 'node:assert';
import type { ContentId } from '#protocol';

interface Waiters {
  readonly promise: Promise<void>;
  readonly wake: () => void;
}

export class UnsettledShards {
  private readonly holders = new Map<ContentId, number>();
  private readonly alone = new Set<ContentId>();
  private readonly waiters = new Map<ContentId, Waiters>();

  /** From before the rename until the row is committed or given up; several transfers may hold one cid. */
  async hold(cid: ContentId): Promise<void> {
    while (this.alone.has(cid)) await this.change(cid);
    this.holders.set(cid, (this.holders.get(cid) ?? 0) + 1);
  }

  letGo(cid: ContentId): void {
    const count = this.holders.get(cid);
    assert(count !== undefined);
    if (count > 1) {
      this.holders.set(cid, count - 1);
      return;
    }
    this.holders.delete(cid);
    this.wake(cid);
  }

  /**
   * Wait until nobody holds `cid`; then nobody can until the returned function is called. Who takes several takes them
   * in one order, that of their text: then no two wait for each other.
   */
  async takeAlone(cid: ContentId): Promise<() => void> {
    while (!this.isFree(cid)) await this.change(cid);
    return this.take(cid);
  }

  /** Run `sweep` while nobody can hold `cid`; not at all when somebody does. */
  async sweepUnlessHeld(cid: ContentId, sweep: () => Promise<void>): Promise<void> {
    if (!this.isFree(cid)) return;
    const leave = this.take(cid);
    try {
      await sweep();
    } finally {
      leave();
    }
  }

  private isFree(cid: ContentId): boolean {
    return !this.holders.has(cid) && !this.alone.has(cid);
  }

  private take(cid: ContentId): () => void {
    this.alone.add(cid);
    return () => {
      assert(this.alone.delete(cid));
      this.wake(cid);
    };
  }

  private change(cid: ContentId): Promise<void> {
    const known = this.waiters.get(cid);
    if (known !== undefined) return known.promise;
    let wake = (): void => undefined;
    const promise = new Promise<void>((resolve) => {
      wake = resolve;
    });
    this.waiters.set(cid, { promise, wake });
    return promise;
  }

  private wake(cid: ContentId): void {
    const waiters = this.waiters.get(cid);
    this.waiters.delete(cid);
    waiters?.wake();
  }
}
