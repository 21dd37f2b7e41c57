// Which contents the broker takes to be at a host, now: stored shards of objects that nobody has deleted.
import type { EntityManager } from 'typeorm';
import type { ContentId, PeerId } from '#protocol';
import type { HeldContent } from '../transactions/lose-shards.js';
import { inStatements, tuples } from '../transactions/transaction-rows.js';
import { placeKey } from '../transactions/wanted-elsewhere.js';

/** Of these, by placeKey. */
export async function heldContents(db: EntityManager, contents: readonly HeldContent[]): Promise<ReadonlySet<string>> {
  const held = new Set<string>();
  for (const some of inStatements(contents)) {
    const rows = await db.query<{ host_id: PeerId; cid: ContentId }[]>(
      `SELECT s.host_id AS host_id, s.cid AS cid FROM shards s JOIN objects o ON o.id = s.object_id
       WHERE s.state = 'stored' AND o.deleted_at_ms IS NULL
         AND (s.host_id, s.cid) IN ${tuples(db, { count: some.length, first: 1, columns: ['text', 'text'] })}`,
      some.flatMap(({ hostId, cid }) => [hostId, cid]),
    );
    for (const row of rows) held.add(placeKey({ hostId: row.host_id, cid: row.cid }));
  }
  return held;
}
