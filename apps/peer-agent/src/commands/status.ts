// `peerkeep-agent status`: what this host is, holds and waits for. Reads only; the agent may be running.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BrokerClient } from '#broker-api';
import { openReadOnly } from '#database';
import { type HomeKey, PeerHome } from '#peer-home';
import { type Clock, type Log, SystemClock } from '#process';
import { formatTime, ProtocolError } from '#protocol';
import { countReports } from '../reports/report-outbox.js';
import { trashBytes as readTrashBytes } from '../shards/shard-index.js';
import { readAgentState } from '../state/agent-state.js';
import { formatSize } from './size-text.js';

const BROKER_MS_MAX = 3_000;

/** Whether the broker's probes reach this host, and the code of the refusal when they do not; null: not probed. */
export interface HostReachability {
  readonly reachable: boolean | null;
  readonly reason: string | null;
}

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
  readonly shards: number;
  readonly certificateExpiresAt: string;
  readonly reportsWaiting: number;
  readonly lastBrokerContactAt: string | null;
  /** Whether the broker answers now, and counts this host as online; the code of the refusal when it does not answer. */
  readonly broker:
    | { readonly reachable: true; readonly online: boolean; readonly host: HostReachability }
    | { readonly reachable: false; readonly code: string };
}

export async function readStatus(homePath: string, log: Log, homeKey: HomeKey | null = null): Promise<AgentStatus> {
  const home = await PeerHome.open(homePath, homeKey);
  const { peerId, name, trustDomain } = home.identity;
  const { usedBytes, trashBytes, shardCount, lastContactMs, reportsWaiting } = await readDatabase(home);
  return {
    peerId,
    name,
    trustDomain,
    home: home.path,
    shareBytes: home.shareBytes,
    usedBytes,
    trashBytes,
    shards: shardCount,
    certificateExpiresAt: formatTime(home.certificate().notAfterMs),
    reportsWaiting,
    lastBrokerContactAt: lastContactMs === 0 ? null : formatTime(lastContactMs),
    broker: await askBroker(home, new SystemClock(), log),
  };
}

export function formatStatus(status: AgentStatus): string {
  const broker = status.broker.reachable
    ? `answers; this host counts as ${standing(status.broker)}`
    : `does not answer (${status.broker.code})`;
  const rows = [
    ['peer', `${status.name} (${status.peerId}) of ${status.trustDomain}`],
    ['home', status.home],
    ['shared', `${formatSize(status.usedBytes)} used of ${formatSize(status.shareBytes)}`],
    ['shards', String(status.shards)],
    ['trash', `${formatSize(status.trashBytes)} deleted, and still counted as used`],
    ['certificate', `until ${status.certificateExpiresAt}`],
    ['reports', `${status.reportsWaiting} waiting for the broker`],
    ['last contact', status.lastBrokerContactAt ?? 'never'],
    ['broker', broker],
  ] as const;
  return rows.map(([label, text]) => `${label.padEnd(14)}${text}`).join('\n');
}

function standing({ online, host }: { readonly online: boolean; readonly host: HostReachability }): string {
  if (!online || host.reachable !== false) return online ? 'online' : 'offline';
  return `online, but cannot be reached (${host.reason ?? 'not asked yet'}) and gets no shards`;
}

async function readDatabase(home: PeerHome) {
  const file = join(home.path, 'agent.db');
  if (!(await isThere(file)))
    return { usedBytes: 0, trashBytes: 0, shardCount: 0, lastContactMs: 0, reportsWaiting: 0 };
  const database = await openReadOnly({ file, entities: [] });
  try {
    const { usedBytes, shardCount, lastContactMs } = await readAgentState(database.reads);
    const trashBytes = await readTrashBytes(database.reads);
    return { usedBytes, trashBytes, shardCount, lastContactMs, reportsWaiting: await countReports(database.reads) };
  } finally {
    await database.close();
  }
}

async function askBroker(home: PeerHome, clock: Clock, log: Log): Promise<AgentStatus['broker']> {
  const client = new BrokerClient({ home, clock, log });
  try {
    const { online, reachable, unreachableReason } = await client.peerStatus({
      signal: AbortSignal.timeout(BROKER_MS_MAX),
    });
    return { reachable: true, online, host: { reachable, reason: unreachableReason } };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { reachable: false, code: error.code };
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
