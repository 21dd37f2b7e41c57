// `peerkeep-agent accept-restore`: goes on with a home that is an older copy, and gives up what it may have forgotten.
import { join } from 'node:path';
import { BrokerClient } from '#broker-api';
import { openDatabase, takeExclusiveUse } from '#database';
import { AGENT_MIGRATIONS } from '#migrations/agent/index';
import { type HomeKey, PeerHome } from '#peer-home';
import type { Clock, Log } from '#process';
import { formatTime } from '#protocol';
import { BROKER_TIME_STEP_MS } from '../limits.js';
import { raiseReplayHorizon } from '../state/agent-state.js';
import { acceptRestore as accept } from '../state/home-runs.js';

export interface AcceptRestoreOptions {
  readonly homePath: string;
  readonly homeKey: HomeKey | null;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Refuse every token that was issued until now, and tell the broker with the next presence that this home is the one.
 * Any other agent of this home, wherever it runs, is refused from then on.
 *
 * returns  what to tell the person
 * throws   home_missing | home_corrupt; data_dir_in_use while an agent runs here; broker_unreachable: only the broker's
 *          time is good enough for this
 */
export async function acceptRestore({ homePath, homeKey, clock, log }: AcceptRestoreOptions): Promise<string> {
  const home = await PeerHome.open(homePath, homeKey);
  const lock = await takeExclusiveUse(join(home.path, 'agent.lock'));
  try {
    const nowMs = (await brokerNowMs(home, clock, log)) + BROKER_TIME_STEP_MS;
    const file = join(home.path, 'agent.db');
    const database = await openDatabase({ file, entities: [], migrations: AGENT_MIGRATIONS });
    try {
      await database.writes.run(async (db) => {
        await accept(db, nowMs);
        await raiseReplayHorizon(db, nowMs);
      });
    } finally {
      await database.close();
    }
    return `accepted: tokens issued before ${formatTime(nowMs)} are refused; start the agent`;
  } finally {
    await lock.release();
  }
}

async function brokerNowMs(home: PeerHome, clock: Clock, log: Log): Promise<number> {
  const broker = new BrokerClient({ home, clock, log });
  try {
    await broker.peerStatus();
    return broker.brokerTime.nowMs();
  } finally {
    await broker.close();
  }
}
