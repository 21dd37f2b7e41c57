// The one row of agent.db about the scrub: how far it is, so that a restart goes on where it was, and what it has found.
import { strict as assert } from 'node:assert';
import type { EntityManager } from 'typeorm';
import { changeOne } from '#database';
import type { ContentId, UnixMs } from '#protocol';

export interface ScrubState {
  /** The last shard that was read; null between rounds. */
  readonly afterCid: ContentId | null;
  /** Of this round so far; of the last one between rounds. */
  readonly roundBytes: number;
  readonly roundShards: number;
  readonly roundBeganMs: UnixMs;
  /** Whole rounds so far, and when the last one ended; 0 before. */
  readonly rounds: number;
  readonly roundEndedMs: UnixMs;
  /** Spoiled shards that were found so far, by the scrub or by a reader. */
  readonly corrupt: number;
}

export async function readScrubState(reads: EntityManager): Promise<ScrubState> {
  const [row] = await reads.query<(Record<string, number> & { after_cid: string })[]>(
    'SELECT * FROM scrub_state WHERE id = 1',
  );
  assert(row !== undefined);
  return {
    afterCid: row.after_cid === '' ? null : (row.after_cid as string as ContentId),
    roundBytes: Number(row.round_bytes),
    roundShards: Number(row.round_shards),
    roundBeganMs: Number(row.round_began_ms),
    rounds: Number(row.rounds),
    roundEndedMs: Number(row.round_ended_ms),
    corrupt: Number(row.corrupt),
  };
}

/** Everything but the count of spoiled shards, which changes in the unit of what it counts. */
export async function writeScrubState(db: EntityManager, state: ScrubState): Promise<void> {
  const { afterCid, roundBytes, roundShards, roundBeganMs, rounds, roundEndedMs } = state;
  const changed = await changeOne(
    db,
    `UPDATE scrub_state SET after_cid = $1, round_bytes = $2, round_shards = $3, round_began_ms = $4, rounds = $5,
       round_ended_ms = $6 WHERE id = 1`,
    [afterCid ?? '', roundBytes, roundShards, roundBeganMs, rounds, roundEndedMs],
  );
  assert(changed, 'the row of scrub_state is missing');
}

/** Spoiled shards that the broker has not heard of. */
export async function countCorrupt(reads: EntityManager): Promise<number> {
  const [row] = await reads.query<{ count: number }[]>('SELECT count(*) AS count FROM corrupt_shard');
  return Number(row?.count ?? 0);
}
