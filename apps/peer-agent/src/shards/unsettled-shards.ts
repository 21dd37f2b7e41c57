// Shards whose file is in place and whose row is not yet: the sweep must not take them for leftovers.
import { strict as assert } from 'node:assert';
import type { ContentId } from '#protocol';

export class UnsettledShards {
  private readonly holders = new Map<ContentId, number>();
  private sweeping: { readonly cid: ContentId; readonly done: Promise<void> } | null = null;

  /** From before the rename until the row is committed or given up; several transfers may hold one cid. */
  async hold(cid: ContentId): Promise<void> {
    while (this.sweeping?.cid === cid) await this.sweeping.done;
    this.holders.set(cid, (this.holders.get(cid) ?? 0) + 1);
  }

  letGo(cid: ContentId): void {
    const count = this.holders.get(cid);
    assert(count !== undefined);
    if (count === 1) this.holders.delete(cid);
    else this.holders.set(cid, count - 1);
  }

  /** Run `sweep` while nobody can hold `cid`; not at all when somebody does. One at a time. */
  async sweepUnlessHeld(cid: ContentId, sweep: () => Promise<void>): Promise<void> {
    assert(this.sweeping === null);
    if (this.holders.has(cid)) return;
    const run = sweep();
    this.sweeping = { cid, done: run.catch(() => undefined) };
    try {
      await run;
    } finally {
      this.sweeping = null;
    }
  }
}
