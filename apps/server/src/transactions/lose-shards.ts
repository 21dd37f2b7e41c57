// A host has some content no more, as it said itself or failed to prove: the shards that it was are lost, count no more
// for their objects, and wait for repair at the price that was agreed; contents of groups are gone, and cost nothing any
// more. Part of the unit of whoever found out.
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { changeMany, insertRows } from '#database';
import type { ContentId, GroupId, ObjectId, PeerId } from '#protocol';
import { LOST_PLACES_KEPT_MS } from '../limits.js';
import { hintAtRepairs } from './repair-hints.js';
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
      const shards = await db.query<{ object_id: ObjectId; shard_index: number; host_id: PeerId; cid: ContentId }[]>(
        `SELECT object_id, shard_index, host_id, cid FROM shards WHERE state = 'stored' AND ${among}`,
        values,
      );
      const held = await db.query<{ group_id: GroupId; host_id: PeerId; cid: ContentId }[]>(
        `SELECT group_id, host_id, cid FROM group_contents WHERE ${among}`,
        values,
      );
      lost.push(...shards.map((row) => ({ objectId: row.object_id, index: row.shard_index })));
      await notePlaces(db, [...shards, ...held], atMs);
      const ofGroups = held.map((row): ContentName => ({ groupId: row.group_id, hostId: row.host_id, cid: row.cid }));
      await this.charges.releaseContents(db, ofGroups, atMs);
      await changeMany(db, `DELETE FROM group_contents WHERE ${among}`, values);
    }
    await markLost(db, lost, { charges: this.charges, nowMs: atMs });
    await hintAtRepairs(db, lost, atMs);
    return lost;
  }
}

/** A host may have what it seemed to have lost: its keep-filter has it for a while. */
async function notePlaces(
  db: EntityManager,
  places: readonly { readonly host_id: PeerId; readonly cid: ContentId }[],
  atMs: number,
): Promise<void> {
  if (places.length === 0) return;
  await changeMany(db, 'DELETE FROM lost_places WHERE at_ms < $1', [atMs - LOST_PLACES_KEPT_MS]);
  await insertRows(
    db,
    { table: 'lost_places', columns: ['host_id', 'cid', 'at_ms'], onConflict: 'skip' },
    places.map(({ host_id: hostId, cid }) => [hostId, cid, atMs]),
  );
}
