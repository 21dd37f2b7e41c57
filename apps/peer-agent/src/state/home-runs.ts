// The runs of this home as the broker acknowledges them (SPEC §5.3): what is shown with each presence, and what is kept of it.
import { strict as assert } from 'node:assert';
import { randomBytes } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { changeOne, type Database } from '#database';
import { encodeBase64url, HOME_RUN_ID_BYTES, type HomeRun, type UnixMs } from '#protocol';

interface RunRow {
  readonly epoch: number;
  readonly run_id: string | null;
  readonly next_run_id: string | null;
  readonly restore_accepted: number;
}

/**
 * What to show next. Its run id is durable before it is shown, and the same until the broker has acknowledged it: a host
 * that is killed in between shows it again, and is known by it.
 */
export async function proposeRun(database: Database): Promise<HomeRun> {
  const [row] = await database.reads.query<RunRow[]>(
    'SELECT epoch, run_id, next_run_id, restore_accepted FROM agent_state WHERE id = 1',
  );
  assert(row !== undefined);
  const runId = row.next_run_id ?? encodeBase64url(randomBytes(HOME_RUN_ID_BYTES));
  if (row.next_run_id === null) {
    await database.writes.run((db) => set(db, 'UPDATE agent_state SET next_run_id = $1 WHERE id = 1', [runId]));
  }
  return { epoch: Number(row.epoch), runId, previousRunId: row.run_id, restored: row.restore_accepted === 1 };
}

/** Part of a unit: the broker has acknowledged what was shown. */
export async function keepAcknowledged(db: EntityManager, { runId }: HomeRun, epoch: number): Promise<void> {
  await set(
    db,
    'UPDATE agent_state SET epoch = $1, run_id = $2, next_run_id = NULL, restore_accepted = 0 WHERE id = 1',
    [epoch, runId],
  );
}

/**
 * Part of a unit: this home goes on although newer runs of it are known. All tokens from before `nowMs` are refused,
 * known ones too, and the broker is told with the next presence.
 */
export async function acceptRestore(db: EntityManager, nowMs: UnixMs): Promise<void> {
  await set(
    db,
    `UPDATE agent_state SET restore_accepted = 1, next_run_id = NULL, tokens_since_ms = max(tokens_since_ms, $1)
       WHERE id = 1`,
    [nowMs],
  );
}

async function set(db: EntityManager, sql: string, values: readonly (string | number)[]): Promise<void> {
  assert(await changeOne(db, sql, values), 'the row of agent_state is missing');
}
