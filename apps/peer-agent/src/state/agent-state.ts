// The one row of agent.db about the host as a whole. Counters change in the unit of what they count.
import { strict as assert } from 'node:assert';
import type { EntityManager } from 'typeorm';
import { changeOne, type Database } from '#database';
import type { UnixMs } from '#protocol';
import { HomeStanding } from './home-standing.js';

/** Also the token under which the state at the start of this process is injected. */
export abstract class AgentState {
  abstract readonly shardCount: number;
  abstract readonly usedBytes: number;
  /** The database was made for this process: if there was one before it, nothing of that is known. */
  abstract readonly isNew: boolean;
  /** False when the process before this one ended without saying so, or none is known: memory of tokens is lost. */
  abstract readonly cleanStop: boolean;
  /** Tokens that expire at or before this broker time may be forgotten, and are refused. Never goes back. */
  abstract readonly replayHorizonMs: UnixMs;
  /** Tokens issued before it are refused, known or not: this home was restored since. 0 when it never was. */
  abstract readonly tokensSinceMs: UnixMs;
  /** Broker time of the last answer of the broker; 0 before the first. */
  abstract readonly lastContactMs: UnixMs;
  /** What the broker says of this home; changes while the process runs. */
  abstract readonly standing: HomeStanding;
}

export async function readAgentState(reads: EntityManager): Promise<AgentState> {
  const [row] = await reads.query<(Record<string, number> & { run_id: string | null })[]>(
    'SELECT * FROM agent_state WHERE id = 1',
  );
  assert(row !== undefined);
  return {
    shardCount: Number(row.shard_count),
    usedBytes: Number(row.used_bytes),
    isNew: Number(row.run_count) === 0,
    cleanStop: row.clean_stop === 1,
    replayHorizonMs: Number(row.replay_horizon_ms),
    tokensSinceMs: Number(row.tokens_since_ms),
    lastContactMs: Number(row.last_contact_ms),
    standing: new HomeStanding(row.run_id === null),
  };
}

/** Begin a run: what the one before left; from here on, until markCleanStop, an end is an unclean one. */
export async function beginRun(database: Database): Promise<AgentState> {
  const state = await readAgentState(database.reads);
  await database.writes.run(async (db) => {
    await change(db, 'UPDATE agent_state SET run_count = run_count + $1 WHERE id = 1', 1);
    await markCleanStop(db, false);
  });
  return state;
}

export async function countShard(db: EntityManager, sizeBytes: number): Promise<void> {
  await change(
    db,
    'UPDATE agent_state SET shard_count = shard_count + 1, used_bytes = used_bytes + $1 WHERE id = 1',
    sizeBytes,
  );
}

/** Its bytes stay counted as used: they lie in the trash. */
export async function uncountShard(db: EntityManager): Promise<void> {
  await change(db, 'UPDATE agent_state SET shard_count = shard_count - $1 WHERE id = 1', 1);
}

/** Its bytes were counted all the time. */
export async function countTakenBack(db: EntityManager): Promise<void> {
  await change(db, 'UPDATE agent_state SET shard_count = shard_count + $1 WHERE id = 1', 1);
}

export async function countEmptied(db: EntityManager, sizeBytes: number): Promise<void> {
  await change(db, 'UPDATE agent_state SET used_bytes = used_bytes - $1 WHERE id = 1', sizeBytes);
}

export async function markCleanStop(db: EntityManager, clean: boolean): Promise<void> {
  await change(db, 'UPDATE agent_state SET clean_stop = $1 WHERE id = 1', clean ? 1 : 0);
}

export async function raiseReplayHorizon(db: EntityManager, horizonMs: UnixMs): Promise<void> {
  await change(db, 'UPDATE agent_state SET replay_horizon_ms = max(replay_horizon_ms, $1) WHERE id = 1', horizonMs);
}

export async function recordContact(db: EntityManager, atMs: UnixMs): Promise<void> {
  await change(db, 'UPDATE agent_state SET last_contact_ms = $1 WHERE id = 1', atMs);
}

async function change(db: EntityManager, sql: string, value: number): Promise<void> {
  const changed = await changeOne(db, sql, [value]);
  assert(changed, 'the row of agent_state is missing');
}
