// Finds content that must stay where it is although one of its shards is deleted: another object or a group has it too.
import type { EntityManager } from 'typeorm';
import type { ContentId, GroupId, PeerId } from '#protocol';
import { inStatements, tuples } from './transaction-rows.js';

interface Place {
  readonly hostId: PeerId | null;
  readonly cid: ContentId;
}

/** A host and content, as the text by which findWantedElsewhere names them. */
export function placeKey({ hostId, cid }: Place): string {
  return `${hostId} ${cid}`;
}

/**
 * Of these places, those that an object which is not deleted has a shard at, stored or on its way, or a group content.
 * `exceptGroup`: the group that deletes its own.
 */
export async function findWantedElsewhere(
  db: EntityManager,
  places: readonly Place[],
  exceptGroup: GroupId | null = null,
): Promise<ReadonlySet<string>> {
  const wanted = new Set<string>();
  for (const some of inStatements(places)) {
    const values = some.flatMap(({ hostId, cid }) => [hostId, cid]);
    const among = `IN ${tuples(db, { count: some.length, first: 1, columns: ['text', 'text'] })}`;
    const found = await db.query<{ host_id: PeerId; cid: ContentId }[]>(
      `SELECT s.host_id AS host_id, s.cid AS cid FROM shards s JOIN objects o ON o.id = s.object_id
       WHERE o.deleted_at_ms IS NULL AND (s.host_id, s.cid) ${among}`,
      values,
    );
    const inGroups = await db.query<typeof found>(
      `SELECT host_id, cid FROM group_contents WHERE (host_id, cid) ${among} AND group_id <> ${db.connection.driver.createParameter('', values.length)}`,
      [...values, exceptGroup ?? ''],
    );
    found.push(...inGroups);
    for (const { host_id: hostId, cid } of found) wanted.add(placeKey({ hostId, cid }));
  }
  return wanted;
}
