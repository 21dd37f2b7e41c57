// `peerkeep-agent keep-filter`: what the host put away because the broker does not know it, and a person's word for more.
import { join } from 'node:path';
import { openDatabase, openReadOnly, takeExclusiveUse } from '#database';
import { AGENT_MIGRATIONS } from '#migrations/agent/index';
import { type HomeKey, PeerHome } from '#peer-home';
import { ProtocolError } from '#protocol';
import { type KeepState, readKeepState, writeKeepState } from '../keep-filter/keep-state.js';
import { describeKeepFilter } from './describe-keep-filter.js';

export interface KeepFilterOptions {
  readonly homePath: string;
  readonly homeKey: HomeKey | null;
  /** Let go what the last run held back. */
  readonly accept: boolean;
}

/**
 * returns  what to tell the person
 * throws   home_missing | home_corrupt; with `accept`: data_dir_in_use while the agent runs, usage when nothing is held back
 */
export async function keepFilter({ homePath, homeKey, accept }: KeepFilterOptions): Promise<string> {
  const home = await PeerHome.open(homePath, homeKey);
  const file = join(home.path, 'agent.db');
  return accept ? acceptHeldBack(join(home.path, 'agent.lock'), file) : describeKeepFilter(await readState(file));
}

async function readState(file: string): Promise<KeepState> {
  const database = await openReadOnly({ file, entities: [] });
  try {
    return await readKeepState(database.reads);
  } finally {
    await database.close();
  }
}

async function acceptHeldBack(lockFile: string, file: string): Promise<string> {
  const lock = await takeExclusiveUse(lockFile);
  try {
    const database = await openDatabase({ file, entities: [], migrations: AGENT_MIGRATIONS });
    try {
      const { heldShards } = await readKeepState(database.reads);
      if (heldShards === 0) throw new ProtocolError('usage', {}, { detail: '--accept: nothing is held back' });
      await database.writes.run((db) => writeKeepState(db, { acceptedShards: heldShards }));
      return `accepted: up to ${heldShards} shards go into the trash when the broker still does not know them; start the agent`;
    } finally {
      await database.close();
    }
  } finally {
    await lock.release();
  }
}
