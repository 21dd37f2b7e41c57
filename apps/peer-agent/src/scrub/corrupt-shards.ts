// Shards that were found spoiled: kept in mind until the broker has heard of them, then put into the trash.
import { Injectable } from '@nestjs/common';
import { BrokerClient } from '#broker-api';
import { changeOne, insertRows } from '#database';
import { Clock, Log } from '#process';
import { type ContentId, isRefusal, LOSSES_PER_REQUEST_MAX } from '#protocol';
import { CORRUPT_SHARDS_MAX, LOSSES_RETRY_MS } from '../limits.js';
import { ShardIndex } from '../shards/shard-index.js';
import { ShardTrash } from '../shards/shard-trash.js';
import { AgentDatabase } from '../state/agent-database.js';
import { HostTime } from '../state/host-time.js';
import { countCorrupt } from './scrub-state.js';
import { VerifyShard } from './verify-shard.js';

@Injectable()
export class CorruptShards {
  private notBeforeMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly database: AgentDatabase,
    private readonly index: ShardIndex,
    private readonly trash: ShardTrash,
    private readonly verify: VerifyShard,
    private readonly broker: BrokerClient,
    private readonly time: HostTime,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** For a reader, which has its own answer to give. */
  noteSoon(cid: ContentId): void {
    this.note(cid).catch((error: unknown) => this.log.warn({ event: 'shard_corrupt_not_noted', cid, err: error }));
  }

  /** Returns whether it is news. One that finds no room is found again by the next round. */
  async note(cid: ContentId): Promise<boolean> {
    const isNews = await this.database.writes.run(async (db) => {
      if ((await countCorrupt(db)) >= CORRUPT_SHARDS_MAX) return false;
      const row = [cid, this.time.nowMs()];
      const added = await insertRows(db, { table: 'corrupt_shard', columns: ['cid', 'found_ms'], onConflict: 'skip' }, [
        row,
      ]);
      if (added === 1) await changeOne(db, 'UPDATE scrub_state SET corrupt = corrupt + $1 WHERE id = 1', [1]);
      return added === 1;
    });
    if (isNews) this.log.error({ event: 'shard_corrupt', cid });
    return isNews;
  }

  /**
   * Tell the broker of those that are still spoiled, and then put them away: it has them put elsewhere, and nobody is sent
   * here for them. Throws what the broker refuses with; then they wait.
   */
  async report(signal: AbortSignal): Promise<void> {
    if (this.clock.monotonicMs() < this.notBeforeMs) return;
    const rows = await this.database.reads.query<{ cid: ContentId }[]>(
      `SELECT cid FROM corrupt_shard ORDER BY found_ms, cid LIMIT ${LOSSES_PER_REQUEST_MAX}`,
    );
    const spoiled: ContentId[] = [];
    for (const { cid } of rows) {
      // It may have been deleted, or put again, since it was found.
      if (await this.isSpoiled(cid)) spoiled.push(cid);
      else await this.forget(cid);
    }
    if (spoiled.length === 0) return;
    try {
      await this.broker.reportLosses({ cids: spoiled }, { signal });
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.notBeforeMs = this.clock.monotonicMs() + LOSSES_RETRY_MS;
      this.log.warn({ event: 'losses_not_reported', count: spoiled.length, code: error.code });
      return;
    }
    for (const cid of spoiled) {
      await this.trash.discard(cid, () => this.isSpoiled(cid));
      await this.forget(cid);
    }
  }

  private async isSpoiled(cid: ContentId): Promise<boolean> {
    const sizeBytes = await this.index.sizeOf(cid);
    return sizeBytes !== null && !(await this.verify.run({ cid, sizeBytes }));
  }

  private async forget(cid: ContentId): Promise<void> {
    await this.database.writes.run((db) => changeOne(db, 'DELETE FROM corrupt_shard WHERE cid = $1', [cid]));
  }
}
