// The one row of agent.db about keep-filters: what the broker said last, and what came of it.
import { strict as assert } from 'node:assert';
import type { EntityManager } from 'typeorm';
import { changeOne } from '#database';
import type { UnixMs } from '#protocol';

export interface KeepState {
  /** When the host last asked to the end, by its own best time; 0 for never. */
  readonly askedMs: UnixMs;
  /** Time and revision of the last list that was whole. */
  readonly listedMs: UnixMs;
  readonly revision: number;
  /** Why nothing was put away the last time; null when it was, or there was nothing. */
  readonly code: string | null;
  /** What was put away the last time, and in all. */
  readonly lastShards: number;
  readonly lastBytes: number;
  readonly allShards: number;
  readonly allBytes: number;
  /** What came back from the trash, because the broker knows it again. */
  readonly backShards: number;
  /** What a person has to decide about. */
  readonly heldShards: number;
  readonly heldBytes: number;
  /** So much at once may go, because a person said so. */
  readonly acceptedShards: number;
}

const COLUMNS = {
  askedMs: 'asked_ms',
  listedMs: 'listed_ms',
  revision: 'revision',
  code: 'code',
  lastShards: 'last_shards',
  lastBytes: 'last_bytes',
  allShards: 'all_shards',
  allBytes: 'all_bytes',
  backShards: 'back_shards',
  heldShards: 'held_shards',
  heldBytes: 'held_bytes',
  acceptedShards: 'accepted_shards',
} as const satisfies Record<keyof KeepState, string>;
const FIELDS = Object.keys(COLUMNS) as (keyof KeepState)[];

export async function readKeepState(reads: EntityManager): Promise<KeepState> {
  const [row] = await reads.query<Record<string, number | string | null>[]>(
    'SELECT * FROM keep_filter_state WHERE id = 1',
  );
  assert(row !== undefined);
  const values = FIELDS.map((field) => [field, field === 'code' ? row[COLUMNS[field]] : Number(row[COLUMNS[field]])]);
  return Object.fromEntries(values) as KeepState;
}

/** Part of a unit. What is not named stays as it is. */
export async function writeKeepState(db: EntityManager, change: Partial<KeepState>): Promise<void> {
  const fields = FIELDS.filter((field) => change[field] !== undefined);
  const sets = fields.map((field, i) => `${COLUMNS[field]} = $${i + 1}`);
  const changed = await changeOne(
    db,
    `UPDATE keep_filter_state SET ${sets.join(', ')} WHERE id = 1`,
    fields.map((field) => change[field] ?? null),
  );
  assert(changed, 'the row of keep_filter_state is missing');
}
