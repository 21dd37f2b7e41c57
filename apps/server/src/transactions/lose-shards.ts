// A host has some content no more, as it said itself or failed to prove: the shards that it was are lost, count no more
// for their objects, and cost nothing any more. Part of the unit of whoever found out.
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { changeMany } from '#database';
import type { ContentId, GroupId, ObjectId, PeerId } from '#protocol';
import { type ContentName, ShardCharges, type ShardName } from './shard-charges.js';
import { markLost } from './shard-places.js';
import { inStatements, tuples } from './transaction-rows.js';

/** Content at a host: one or more shards that are the same bytes. */
export interface HeldContent {
  readonly hostId: PeerId;
  readonly cid: ContentId;
}

@Injectable()
export class LoseShards {
  constructor(private readonly charges: ShardCharges) {}

  /** Content that the host is not known to hold is passed over, so that hearing of a loss twice loses once. */
  async run(db: EntityManager, contents: readonly HeldContent[], atMs: number): Promise<readonly ShardName[]> {
    const lost: ShardName[] = [];
    for (const some of inStatements(contents)) {
      const among = `(host_id, cid) IN ${tuples(db, { count: some.length, first: 1, columns: ['text', 'text'] })}`;
      const values = some.flatMap(({ hostId, cid }) => [hostId, cid]);
      const shards = await db.query<{ object_id: ObjectId; shard_index: number }[]>(
        `SELECT object_id, shard_index FROM shards WHERE state = 'stored' AND ${among}`,
        values,
      );
      const held = await db.query<{ group_id: GroupId; host_id: PeerId; cid: ContentId }[]>(
        `SELECT group_id, host_id, cid FROM group_contents WHERE ${among}`,
        values,
      );
      lost.push(...shards.map((row) => ({ objectId: row.object_id, index: row.shard_index })));
      const ofGroups = held.map((row): ContentName => ({ groupId: row.group_id, hostId: row.host_id, cid: row.cid }));
      await this.charges.releaseContents(db, ofGroups, atMs);
      await changeMany(db, `DELETE FROM group_contents WHERE ${among}`, values);
    }
    await this.charges.releaseShards(db, lost, atMs);
    await markLost(db, lost);
    return lost;
  }
}
