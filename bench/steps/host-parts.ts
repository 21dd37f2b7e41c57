// A host without its listener and loops: the parts of the agent in this process, on a home of their own.
import 'reflect-metadata';
import { join } from 'node:path';
import { NestFactory } from '@nestjs/core';
import { BrokerClient } from '#broker-api';
import { openDatabase } from '#database';
import { AGENT_MIGRATIONS } from '#migrations/agent/index';
import { type EnrolledPeer, PeerHome } from '#peer-home';
import type { Clock, Log } from '#process';
import { agentModule } from '../../apps/peer-agent/src/agent.module.js';
import { AgentLock } from '../../apps/peer-agent/src/agent-lock.js';
import { HostIdentity } from '../../apps/peer-agent/src/host-identity.js';
import { ReportOutbox } from '../../apps/peer-agent/src/reports/report-outbox.js';
import { CompleteTransfer } from '../../apps/peer-agent/src/serving/complete-transfer.js';
import { DiskShardStore } from '../../apps/peer-agent/src/shards/disk-shard-store.js';
import { AgentDatabase } from '../../apps/peer-agent/src/state/agent-database.js';
import { markCleanStop } from '../../apps/peer-agent/src/state/agent-state.js';
import { HostTime } from '../../apps/peer-agent/src/state/host-time.js';
import { ReplayList } from '../../apps/peer-agent/src/tokens/replay-list.js';

export interface OpenHost {
  readonly identity: HostIdentity;
  readonly time: HostTime;
  readonly replayList: ReplayList;
  readonly shardStore: DiskShardStore;
  readonly complete: CompleteTransfer;
  readonly outbox: ReportOutbox;
  close(): Promise<void>;
}

export async function openHost(
  homePath: string,
  host: EnrolledPeer,
  surroundings: { clock: Clock; log: Log },
): Promise<OpenHost> {
  await PeerHome.create(homePath, host);
  await makeKnown(homePath);
  const config = { homePath, listen: { host: '127.0.0.1', port: 0 } };
  const context = await NestFactory.createApplicationContext(agentModule(config, surroundings), {
    logger: false,
    abortOnError: false,
  });
  return {
    identity: context.get(HostIdentity),
    time: context.get(HostTime),
    replayList: context.get(ReplayList),
    shardStore: context.get(DiskShardStore),
    complete: context.get(CompleteTransfer),
    outbox: context.get(ReportOutbox),
    async close(): Promise<void> {
      await context.get(AgentDatabase).close();
      await context.get(BrokerClient).close();
      await context.close();
      await context.get(AgentLock).release();
    },
  };
}

/** A host that knows of no clean stop takes tokens only after the time by which clocks may differ has passed. */
async function makeKnown(homePath: string): Promise<void> {
  const file = join(homePath, 'agent.db');
  const database = await openDatabase({ file, entities: [], migrations: AGENT_MIGRATIONS });
  await database.writes.run((db) => markCleanStop(db, true));
  await database.close();
}
