// `peerkeep-agent status`: what this host is, holds and waits for. Reads only; the agent may be running.
import { stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { BrokerClient } from '#broker-api';
import { openReadOnly } from '#database';
import { type HomeKey, PeerHome } from '#peer-home';
import { type Clock, type Log, SystemClock } from '#process';
import { type ErrorCode, formatTime, type PeerState, ProtocolError } from '#protocol';
import { type KeepState, readKeepState } from '../keep-filter/keep-state.js';
import { FREE_SPACE_MARGIN_BYTES } from '../limits.js';
import { readRelayState } from '../relay-link/relay-state.js';
import { readRefusalCounts } from '../reports/keep-refusal-counts.js';
import { countReports } from '../reports/report-outbox.js';
import { countCorrupt, readScrubState, type ScrubState } from '../scrub/scrub-state.js';
import { trashBytes as readTrashBytes } from '../shards/shard-index.js';
import { readAgentState } from '../state/agent-state.js';
import { countRemembered } from '../tokens/used-token-rows.js';
import { describeKeepFilter } from './describe-keep-filter.js';
import { describeRelay, type HostRelay, NO_RELAY, relayFrom } from './describe-relay.js';
import { formatSize } from './size-text.js';

const BROKER_MS_MAX = 3_000;

/** Whether the broker's probes reach this host, and the code of the refusal when they do not; null: not probed. */
export interface HostReachability {
  readonly reachable: boolean | null;
  readonly reason: string | null;
}

/** How far the host is with reading what it holds, as of a minute ago, and what it found spoiled. */
export interface HostScrub {
  /** Of the round under way, or of the last one while none is. */
  readonly shards: number;
  readonly bytes: number;
  readonly isUnderWay: boolean;
  /** Whole rounds so far, and when the last one ended; null for none yet. */
  readonly rounds: number;
  readonly roundEndedAt: string | null;
  /** Spoiled shards that were found so far, and those of them that the broker has not heard of. */
  readonly corrupt: number;
  readonly unreported: number;
}

/** What this host put into its trash because the broker does not know it; see keep-state.ts. Times in Unix ms, 0 for never. */
export type HostKeepFilter = Omit<KeepState, 'listedMs' | 'revision' | 'acceptedShards'>;

/** `--json` prints exactly this. */
export interface AgentStatus {
  readonly peerId: string;
  readonly name: string;
  readonly trustDomain: string;
  readonly home: string;
  readonly shareBytes: number;
  readonly usedBytes: number;
  /** Of the used bytes: deleted, and not yet gone. */
  readonly trashBytes: number;
  /** What can still be stored: of the share, and of the disk. Transfers under way are not seen from here. */
  readonly freeBytes: number;
  readonly shards: number;
  /** Tokens that it remembers, so that none is used twice. */
  readonly replayListEntries: number;
  /** What it refused since its start, by code, as of a minute ago. */
  readonly refusals: Readonly<Partial<Record<ErrorCode, number>>>;
  readonly scrub: HostScrub;
  readonly keepFilter: HostKeepFilter;
  /** How the agent keeps this peer reachable, as of the last change. */
  readonly relay: HostRelay;
  readonly certificateExpiresAt: string;
  readonly reportsWaiting: number;
  readonly lastBrokerContactAt: string | null;
  /** How far the clock of this machine is ahead of the broker's, to a second; null when the broker does not answer. */
  readonly clockOffsetMs: number | null;
  /** Whether the broker answers now, and counts this host as online; the code of the refusal when it does not answer. */
  readonly broker:
    | { readonly reachable: true; readonly online: boolean; readonly state: PeerState; readonly host: HostReachability }
    | { readonly reachable: false; readonly code: string };
}

const NO_SCRUB: HostScrub = {
  shards: 0,
  bytes: 0,
  isUnderWay: false,
  rounds: 0,
  roundEndedAt: null,
  corrupt: 0,
  unreported: 0,
};

const NO_KEEP_FILTER: HostKeepFilter = {
  askedMs: 0,
  code: null,
  lastShards: 0,
  lastBytes: 0,
  allShards: 0,
  allBytes: 0,
  backShards: 0,
  heldShards: 0,
  heldBytes: 0,
};

export async function readStatus(homePath: string, log: Log, homeKey: HomeKey | null = null): Promise<AgentStatus> {
  const home = await PeerHome.open(homePath, homeKey);
  const { peerId, name, trustDomain } = home.identity;
  const { usedBytes, shardCount, lastContactMs, ...kept } = await readDatabase(home);
  const { broker, clockOffsetMs } = await askBroker(home, new SystemClock(), log);
  return {
    peerId,
    name,
    trustDomain,
    home: home.path,
    shareBytes: home.shareBytes,
    usedBytes,
    freeBytes: await freeBytes(home, usedBytes),
    shards: shardCount,
    ...kept,
    certificateExpiresAt: formatTime(home.certificate().notAfterMs),
    lastBrokerContactAt: lastContactMs === 0 ? null : formatTime(lastContactMs),
    clockOffsetMs,
    broker,
  };
}

export function formatStatus(status: AgentStatus): string {
  const broker = status.broker.reachable
    ? `answers; this host counts as ${STATES[status.broker.state]}, ${standing(status.broker)}`
    : `does not answer (${status.broker.code})`;
  const rows = [
    ['peer', `${status.name} (${status.peerId}) of ${status.trustDomain}`],
    ['home', status.home],
    [
      'shared',
      `${formatSize(status.usedBytes)} used of ${formatSize(status.shareBytes)}, ${formatSize(status.freeBytes)} free`,
    ],
    ['shards', String(status.shards)],
    ['trash', `${formatSize(status.trashBytes)} deleted, and still counted as used`],
    ['scrub', describeScrub(status)],
    ['keep-filter', describeKeepFilter(status.keepFilter)],
    ['relay', describeRelay(status.relay)],
    ['certificate', `until ${status.certificateExpiresAt}`],
    ['reports', `${status.reportsWaiting} waiting for the broker`],
    ['tokens', `${status.replayListEntries} remembered`],
    ['refused', describeRefusals(status)],
    ['last contact', status.lastBrokerContactAt ?? 'never'],
    ['clock', describeClock(status)],
    ['broker', broker],
  ] as const;
  return rows.map(([label, text]) => `${label.padEnd(14)}${text}`).join('\n');
}

const STATES: Readonly<Record<PeerState, string>> = {
  vetting: 'on probation',
  active: 'active',
  leaving: 'leaving (no new shards; those it has are moved away)',
  gone: 'gone (it holds nothing for others)',
  suspended: 'suspended',
  revoked: 'revoked',
};

function describeScrub({ scrub, shards }: AgentStatus): string {
  const last = scrub.roundEndedAt === null ? 'no whole round yet' : `last whole round until ${scrub.roundEndedAt}`;
  const now = scrub.isUnderWay ? `${scrub.shards} of ${shards} shards read` : 'resting';
  const waiting = scrub.unreported === 0 ? '' : `, ${scrub.unreported} of them not reported yet`;
  return `${now}; ${last}; ${scrub.corrupt} found spoiled${waiting}`;
}

function describeRefusals({ refusals }: AgentStatus): string {
  const counts = Object.entries(refusals).map(([code, count]) => `${code} ${count}`);
  return counts.length === 0 ? 'nothing since the start' : counts.join(', ');
}

/** The broker tells whole seconds. */
function describeClock({ clockOffsetMs }: AgentStatus): string {
  if (clockOffsetMs === null) return 'not known, as the broker does not answer';
  const seconds = Math.round(clockOffsetMs / 1_000);
  if (Math.abs(seconds) <= 1) return 'as the broker';
  return `${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} the broker`;
}

function standing({ online, host }: { readonly online: boolean; readonly host: HostReachability }): string {
  if (!online || host.reachable !== false) return online ? 'online' : 'offline';
  return `online, but cannot be reached (${host.reason ?? 'not asked yet'}) and gets no shards`;
}

async function readDatabase(home: PeerHome) {
  const file = join(home.path, 'agent.db');
  if (!(await isThere(file)))
    return {
      usedBytes: 0,
      trashBytes: 0,
      shardCount: 0,
      replayListEntries: 0,
      refusals: {},
      lastContactMs: 0,
      reportsWaiting: 0,
      scrub: NO_SCRUB,
      keepFilter: NO_KEEP_FILTER,
      relay: NO_RELAY,
    };
  const database = await openReadOnly({ file, entities: [] });
  try {
    const { usedBytes, shardCount, lastContactMs, replayHorizonMs } = await readAgentState(database.reads);
    const replayListEntries = await countRemembered(database.reads, replayHorizonMs);
    const refusals = await readRefusalCounts(database.reads);
    const trashBytes = await readTrashBytes(database.reads);
    const scrub = scrubFrom(await readScrubState(database.reads), await countCorrupt(database.reads));
    const { listedMs: _, revision: _r, acceptedShards: _a, ...keepFilter } = await readKeepState(database.reads);
    const reportsWaiting = await countReports(database.reads);
    const relay = relayFrom(await readRelayState(database.reads));
    const space = { usedBytes, trashBytes, shardCount };
    return { ...space, lastContactMs, reportsWaiting, replayListEntries, refusals, scrub, keepFilter, relay };
  } finally {
    await database.close();
  }
}

function scrubFrom(state: ScrubState, unreported: number): HostScrub {
  const { roundShards: shards, roundBytes: bytes, rounds, roundEndedMs, corrupt } = state;
  const roundEndedAt = rounds === 0 ? null : formatTime(roundEndedMs);
  return { shards, bytes, isUnderWay: state.afterCid !== null, rounds, roundEndedAt, corrupt, unreported };
}

async function freeBytes(home: PeerHome, usedBytes: number): Promise<number> {
  const { bavail, bsize } = await statfs(home.path);
  return Math.max(0, Math.min(home.shareBytes - usedBytes, bavail * bsize - FREE_SPACE_MARGIN_BYTES));
}

async function askBroker(
  home: PeerHome,
  clock: Clock,
  log: Log,
): Promise<Pick<AgentStatus, 'broker' | 'clockOffsetMs'>> {
  const client = new BrokerClient({ home, clock, log });
  try {
    const { online, state, reachable, unreachableReason } = await client.peerStatus({
      signal: AbortSignal.timeout(BROKER_MS_MAX),
    });
    const host = { reachable, reason: unreachableReason };
    return {
      broker: { reachable: true, online, state, host },
      clockOffsetMs: clock.nowMs() - client.brokerTime.nowMs(),
    };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { broker: { reachable: false, code: error.code }, clockOffsetMs: null };
  } finally {
    await client.close();
  }
}

async function isThere(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
