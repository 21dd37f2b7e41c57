// What is told of the running host at the moment Prometheus asks, and whether it can do its work.
import type { INestApplicationContext } from '@nestjs/common';
import type { Unready } from '#metrics';
import { PeerHome } from '#peer-home';
import { Clock } from '#process';
import { CLOCK_SKEW_MS_MAX } from '#protocol';
import { Reachability } from '../relay-link/reachability.js';
import { RelayLink } from '../relay-link/relay-link.js';
import { RepairWorker } from '../repairs/repair-worker.js';
import { RefusalTally } from '../reports/refusal-tally.js';
import { ReportOutbox } from '../reports/report-outbox.js';
import { readScrubState } from '../scrub/scrub-state.js';
import { Transfers } from '../serving/transfers.js';
import { DiskShardStore } from '../shards/disk-shard-store.js';
import { SpaceLedger } from '../shards/space-ledger.js';
import { AgentDatabase } from '../state/agent-database.js';
import { readAgentState } from '../state/agent-state.js';
import { HostTime } from '../state/host-time.js';
import { ReplayList } from '../tokens/replay-list.js';
import { AgentMetrics } from './agent-metrics.js';

const DAY_MS = 86_400_000;

export function observeAgent(context: INestApplicationContext): void {
  const { book } = context.get(AgentMetrics);
  const space = context.get(SpaceLedger);
  const home = context.get(PeerHome);
  const outbox = context.get(ReportOutbox);
  const replayList = context.get(ReplayList);
  const tally = context.get(RefusalTally);
  const transfers = context.get(Transfers);
  const { reads } = context.get(AgentDatabase);
  const clock = context.get(Clock);
  const time = context.get(HostTime);
  const relayLink = context.get(RelayLink);
  book.watchProcess();
  book.gauge({ name: 'relay_attached', help: '1 while it is attached to a relay.' }, () =>
    context.get(Reachability).relayId === undefined ? 0 : 1,
  );
  const repairs = context.get(RepairWorker);
  book.gauge(
    { name: 'repair_hosts', help: 'Hosts that its repairs reached last by each way.', labels: ['way'] },
    () => repairs.hostsByWay,
  );
  book.gauge({ name: 'relay_connections', help: 'Connections to relays.' }, () => relayLink.load.connections);
  book.gauge(
    { name: 'relay_streams', help: 'Peers and visitors that relays carry to it.' },
    () => relayLink.load.streams,
  );
  book.gauge({ name: 'shards', help: 'Shards that it holds.' }, () => space.shardCount);
  book.gauge({ name: 'used_bytes', help: 'What of the share is used, the trash with it.' }, () => space.usedBytes);
  book.gauge({ name: 'share_bytes', help: 'What its owner donates.' }, () => home.shareBytes);
  book.gauge({ name: 'free_bytes', help: 'What can still be promised.' }, () => space.leftBytes);
  book.gauge({ name: 'transfers_running', help: 'Transfers under way.' }, () => transfers.running);
  book.counted({ name: 'refusals_total', help: 'Refusals, by code.', labels: ['code'] }, () =>
    Object.fromEntries(tally.counts),
  );
  book.gauge({ name: 'replay_list_entries', help: 'Tokens that it remembers.' }, () => replayList.size);
  book.gauge({ name: 'reports_waiting', help: 'Reports that the broker has not heard.' }, () => outbox.length);
  book.gauge({ name: 'scrub_round_shards', help: 'Shards read in this round of looking for rot.' }, async () => {
    const { roundShards } = await readScrubState(reads);
    return roundShards;
  });
  book.gauge(
    { name: 'scrub_rounds', help: 'Whole rounds that ended.' },
    async () => (await readScrubState(reads)).rounds,
  );
  book.gauge(
    { name: 'corrupt_shards', help: 'Shards that were found spoiled, ever.' },
    async () => (await readScrubState(reads)).corrupt,
  );
  book.gauge({ name: 'broker_contact_age_seconds', help: 'Since the broker last took notice of it.' }, async () => {
    const { lastContactMs } = await readAgentState(reads);
    return lastContactMs === 0 ? null : Math.max(0, time.nowMs() - lastContactMs) / 1_000;
  });
  book.gauge(
    { name: 'certificate_expires_timestamp_seconds', help: 'When its certificate ends, Unix time.' },
    () => home.certificate().notAfterMs / 1_000,
  );
  book.gauge({ name: 'clock_offset_seconds', help: 'How far its clock is ahead of the one of the broker.' }, () => {
    const offsetMs = offsetOf(time, clock);
    return offsetMs === null ? null : offsetMs / 1_000;
  });
}

/** What stands in the way of its work as a host, the worst first. */
export async function unreadyAgent(context: INestApplicationContext): Promise<Unready[]> {
  const clock = context.get(Clock);
  const leftMs = context.get(PeerHome).certificate().notAfterMs - clock.nowMs();
  const offsetMs = offsetOf(context.get(HostTime), clock) ?? 0;
  const found: (Unready | false)[] = [
    context.get(Transfers).isStopping && { cause: 'stopping', detail: 'it was told to stop' },
    context.get(DiskShardStore).isReadOnly && { cause: 'read_only', detail: 'the disk failed; it stores nothing new' },
    leftMs <= 0 && { cause: 'certificate_expired', detail: `${Math.floor(-leftMs / DAY_MS)} days ago` },
    Math.abs(offsetMs) > CLOCK_SKEW_MS_MAX && { cause: 'clock_off', detail: `${offsetMs} ms ahead of the broker` },
    context.get(SpaceLedger).leftBytes === 0 && { cause: 'full', detail: 'nothing new can be stored' },
  ];
  return found.filter((one) => one !== false);
}

function offsetOf(time: HostTime, clock: Clock): number | null {
  const brokerNowMs = time.brokerNowMs();
  return brokerNowMs === null ? null : clock.nowMs() - brokerNowMs;
}
