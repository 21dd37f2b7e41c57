// Objects that lost a shard, or got one back: repair looks at them again. Part of the unit that changed them.
import type { EntityManager } from 'typeorm';
import { insertRows } from '#database';
import type { ShardName } from './shard-charges.js';

export async function hintAtRepairs(
  db: EntityManager,
  shards: readonly Pick<ShardName, 'objectId'>[],
  atMs: number,
): Promise<void> {
  const objectIds = [...new Set(shards.map(({ objectId }) => objectId))];
  const into = { table: 'repair_hints', columns: ['object_id', 'noted_at_ms'], onConflict: 'skip' } as const;
  await insertRows(
    db,
    into,
    objectIds.map((objectId) => [objectId, atMs]),
  );
}
