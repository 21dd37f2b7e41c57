// The table of contents of the agent: what it is made of, in the order in which a put meets it.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import { BrokerClient, NetworkRefresh } from '#broker-api';
import { openDatabase, takeExclusiveUse } from '#database';
import { AGENT_MIGRATIONS } from '#migrations/agent/index';
import { PeerHome } from '#peer-home';
import { ShardShelf, shelfFolderOf } from '#peer-link';
import { Clock, Log } from '#process';
import { AgentLock } from './agent-lock.js';
import { AgentLoops } from './agent-loops.js';
import { DeleteBatch } from './batches/delete-batch.js';
import { GetBatch } from './batches/get-batch.js';
import { HandleBatch } from './batches/handle-batch.js';
import { PutBatch } from './batches/put-batch.js';
import { AskPresence } from './broker-link/ask-presence.js';
import { ComposeOffer } from './broker-link/compose-offer.js';
import { Presence } from './broker-link/presence.js';
import { Renewals } from './broker-link/renewals.js';
import { AgentConfig } from './config.js';
import { HostIdentity } from './host-identity.js';
import { AskKeepList } from './keep-filter/ask-keep-list.js';
import { ReconcileShards } from './keep-filter/reconcile-shards.js';
import { BrokerTunnels } from './lan/broker-tunnels.js';
import { LanNode } from './lan/lan-node.js';
import { AgentMetrics } from './metrics/agent-metrics.js';
import { Reachability } from './relay-link/reachability.js';
import { RelayLink } from './relay-link/relay-link.js';
import { RepairWorker } from './repairs/repair-worker.js';
import { KeepRefusalCounts } from './reports/keep-refusal-counts.js';
import { RefusalTally } from './reports/refusal-tally.js';
import { ReportOutbox } from './reports/report-outbox.js';
import { SendReports } from './reports/send-reports.js';
import { CorruptShards } from './scrub/corrupt-shards.js';
import { ScrubShards } from './scrub/scrub-shards.js';
import { VerifyShard } from './scrub/verify-shard.js';
import { AdmitToken } from './serving/admit-token.js';
import { CompleteTransfer } from './serving/complete-transfer.js';
import { CompleteUse } from './serving/complete-use.js';
import { FindShard } from './serving/find-shard.js';
import { HandleAudit } from './serving/handle-audit.js';
import { HandleDelete } from './serving/handle-delete.js';
import { HandleGet } from './serving/handle-get.js';
import { HandleProbe } from './serving/handle-probe.js';
import { HandlePut } from './serving/handle-put.js';
import { HandleStream } from './serving/handle-stream.js';
import { Routes } from './serving/routes.js';
import { ShardListener } from './serving/shard-listener.js';
import { TransferFrame } from './serving/transfer-frame.js';
import { Transfers } from './serving/transfers.js';
import { DiskShardStore } from './shards/disk-shard-store.js';
import { DiskShardFiles, ShardFiles } from './shards/shard-files.js';
import { ShardIndex } from './shards/shard-index.js';
import { ShardTrash } from './shards/shard-trash.js';
import { SpaceLedger } from './shards/space-ledger.js';
import { ShardPlace, SweepLeftovers } from './shards/sweep-leftovers.js';
import { UnsettledShards } from './shards/unsettled-shards.js';
import { AgentDatabase } from './state/agent-database.js';
import { AgentState, beginRun } from './state/agent-state.js';
import { BrokerHostTime } from './state/broker-host-time.js';
import { HostTime } from './state/host-time.js';
import { ReplayList } from './tokens/replay-list.js';
import { WithdrawnTokens } from './tokens/withdrawn-tokens.js';
import { WEB } from './web/web.providers.js';

export interface AgentSurroundings {
  readonly clock: Clock;
  readonly log: Log;
}

const HOME: Provider[] = [
  {
    provide: PeerHome,
    useFactory: ({ homePath, homeKey = null }: AgentConfig) => PeerHome.open(homePath, homeKey),
    inject: [AgentConfig],
  },
  {
    provide: AgentLock,
    useFactory: (home: PeerHome) => takeExclusiveUse(join(home.path, 'agent.lock')),
    inject: [PeerHome],
  },
  {
    // After the lock: two processes on one replay list would each accept every token once.
    provide: AgentDatabase,
    useFactory: (home: PeerHome, _lock: AgentLock) =>
      openDatabase({ file: join(home.path, 'agent.db'), entities: [], migrations: AGENT_MIGRATIONS }),
    inject: [PeerHome, AgentLock],
  },
  { provide: AgentState, useFactory: beginRun, inject: [AgentDatabase] },
  {
    provide: BrokerClient,
    useFactory: (home: PeerHome, clock: Clock, log: Log) => new BrokerClient({ home, clock, log }),
    inject: [PeerHome, Clock, Log],
  },
  {
    provide: NetworkRefresh,
    useFactory: (home: PeerHome, broker: BrokerClient, clock: Clock) => new NetworkRefresh({ home, broker, clock }),
    inject: [PeerHome, BrokerClient, Clock],
  },
  { provide: HostTime, useClass: BrokerHostTime },
  HostIdentity,
];

const TOKENS: Provider[] = [
  WithdrawnTokens,
  {
    provide: ReplayList,
    useFactory: (database: AgentDatabase, time: HostTime, state: AgentState) => ReplayList.load(database, time, state),
    inject: [AgentDatabase, HostTime, AgentState],
  },
];

const SHARDS: Provider[] = [
  { provide: ShardFiles, useClass: DiskShardFiles },
  {
    provide: ShardPlace,
    useFactory: (home: PeerHome) => ({ directory: join(home.path, 'shards'), runId: randomBytes(8).toString('hex') }),
    inject: [PeerHome],
  },
  UnsettledShards,
  {
    provide: DiskShardStore,
    useFactory: (place: ShardPlace, files: ShardFiles, unsettled: UnsettledShards, corrupt: CorruptShards, log: Log) =>
      DiskShardStore.open({
        ...place,
        files,
        unsettled,
        onReadOnly: (cause) => log.error({ event: 'host_read_only', err: cause }),
        onCorrupt: (cid) => corrupt.noteSoon(cid),
      }),
    inject: [ShardPlace, ShardFiles, UnsettledShards, CorruptShards, Log],
  },
  {
    provide: SpaceLedger,
    useFactory: (state: AgentState, home: PeerHome, files: ShardFiles) =>
      new SpaceLedger(state, { shareBytes: () => home.shareBytes, freeBytes: () => files.freeBytes(home.path) }),
    inject: [AgentState, PeerHome, ShardFiles],
  },
  { provide: ShardIndex, useFactory: (database: AgentDatabase) => new ShardIndex(database), inject: [AgentDatabase] },
  ShardTrash,
  SweepLeftovers,
  {
    provide: ShardShelf,
    useFactory: (home: PeerHome, clock: Clock, log: Log) =>
      new ShardShelf({ folder: shelfFolderOf(home.path), clock, log }),
    inject: [PeerHome, Clock, Log],
  },
];

const REPORTS: Provider[] = [
  {
    provide: ReportOutbox,
    useFactory: (database: AgentDatabase) => ReportOutbox.load(database),
    inject: [AgentDatabase],
  },
  { provide: RefusalTally, useFactory: () => new RefusalTally() },
  AgentMetrics,
  SendReports,
  KeepRefusalCounts,
];

const SERVING: Provider[] = [
  { provide: Transfers, useFactory: () => new Transfers() },
  AdmitToken,
  CompleteUse,
  CompleteTransfer,
  TransferFrame,
  HandlePut,
  FindShard,
  HandleGet,
  HandleDelete,
  PutBatch,
  GetBatch,
  DeleteBatch,
  HandleBatch,
  HandleStream,
  HandleAudit,
  HandleProbe,
  Routes,
  ShardListener,
];

const SCRUB: Provider[] = [VerifyShard, CorruptShards, ScrubShards];

const KEEP_FILTER: Provider[] = [AskKeepList, ReconcileShards];

const LAN: Provider[] = [LanNode, BrokerTunnels];

const RELAY_LINK: Provider[] = [Reachability, RelayLink];

const BROKER_LINK: Provider[] = [RepairWorker, AskPresence, ComposeOffer, Renewals, Presence, AgentLoops];

@Module({})
class AgentModule {}

export function agentModule(config: AgentConfig, { clock, log }: AgentSurroundings): DynamicModule {
  return {
    module: AgentModule,
    providers: [
      { provide: AgentConfig, useValue: config },
      { provide: Clock, useValue: clock },
      { provide: Log, useValue: log },
      ...HOME,
      ...TOKENS,
      ...SHARDS,
      ...REPORTS,
      ...SERVING,
      ...SCRUB,
      ...KEEP_FILTER,
      ...LAN,
      ...WEB,
      ...RELAY_LINK,
      ...BROKER_LINK,
    ],
  };
}
