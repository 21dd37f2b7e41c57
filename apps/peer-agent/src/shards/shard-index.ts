// The index of shards in agent.db: a shard is there when its row is, and its row comes after its bytes are durable.
import type { EntityManager } from 'typeorm';
import { type Database, insertRows } from '#database';
import type { ContentId, UnixMs } from '#protocol';
import { countShard } from '../state/agent-state.js';
import type { StoredShard } from './disk-shard-store.js';

export class ShardIndex {
  constructor(private readonly database: Database) {}

  /** The size of a shard that is there; null for one that is not. */
  async sizeOf(cid: ContentId): Promise<number | null> {
    const [row] = await this.database.reads.query<{ size_bytes: number }[]>(
      'SELECT size_bytes FROM shard WHERE cid = $1',
      [cid],
    );
    return row === undefined ? null : Number(row.size_bytes);
  }

  async has(cid: ContentId): Promise<boolean> {
    return (await this.sizeOf(cid)) !== null;
  }

  /** Part of the caller's unit. Returns whether these bytes are new here: the same shard may be put many times. */
  async add(db: EntityManager, stored: StoredShard, atMs: UnixMs): Promise<boolean> {
    const { cid, sizeBytes } = stored.token.items[0];
    const added = await insertRows(db, { table: 'shard', columns: ['cid', 'size_bytes'], onConflict: 'skip' }, [
      [cid, sizeBytes],
    ]);
    await insertRows(
      db,
      { table: 'shard_ref', columns: ['cid', 'transaction_id', 'client_id', 'stored_ms'], onConflict: 'skip' },
      [[cid, stored.token.transactionId, stored.token.clientId, atMs]],
    );
    if (added === 1) await countShard(db, sizeBytes);
    return added === 1;
  }
}
