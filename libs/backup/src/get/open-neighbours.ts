// Opens the way to neighbours on the local network for an engine: what it asks them by, and what it fetches over.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type BrokerClient, NetworkRefresh } from '#broker-api';
import type { PeerHome } from '#peer-home';
import {
  type Bandwidths,
  brokerWayOver,
  type LanTuning,
  openLan,
  PeerLink,
  ShardShelf,
  shelfFolderOf,
} from '#peer-link';
import type { Clock, Log } from '#process';
import { isRefusal, timeOf } from '#protocol';
import type { NeighboursPort } from '../ports.js';

export interface OpenNeighboursOptions {
  readonly home: PeerHome;
  readonly client: BrokerClient;
  readonly bandwidths: Bandwidths;
  readonly clock: Clock;
  readonly log: Log;
  readonly tuning: LanTuning;
}

const DAY_MS = 24 * 60 * 60_000;

/** An agent keeps its state here: where there is none, nobody would serve what is put on the shelf. */
const AGENT_STATE = 'agent.db';

export function openNeighbours(options: OpenNeighboursOptions): NeighboursPort & { close(): Promise<void> } {
  const { home, client, bandwidths, clock, log, tuning } = options;
  const isServed = existsSync(join(home.path, AGENT_STATE));
  const shelf = isServed ? new ShardShelf({ folder: shelfFolderOf(home.path), clock, log }) : null;
  const nowMs = (): number => client.brokerTime.nowMs();
  const lan = openLan({ home, broker: client.routes, shelf, nowMs, clock, log, tuning });
  client.reachBy(brokerWayOver(lan, { home, nowMs, clock }));
  // Of its own: a neighbour is another address of a peer that may be reached elsewhere at the same time.
  const link = new PeerLink({ home, clock, log, bandwidths });
  const refresh = new NetworkRefresh({ home, broker: client, clock });
  let facts: Promise<void> | null = null;
  return {
    find: async (wanted, signal) => {
      facts ??= learnFacts(refresh, home, nowMs());
      await facts;
      return lan.neighbours.find(wanted, signal);
    },
    failed: (get, code) => lan.neighbours.failed(get, code),
    keep: (cid, bytes) => lan.neighbours.keep(cid, bytes),
    noteProgress: (cid, progress) => lan.neighbours.noteProgress(cid, progress),
    getShard: (get) => link.getShard(get),
    close: async () => {
      await lan.close();
      await link.close();
    },
  };
}

/** The keys of the network, when this home has none or old ones. With the broker away the old ones have to do. */
async function learnFacts(refresh: NetworkRefresh, { network }: PeerHome, nowMs: number): Promise<void> {
  const known = network.load();
  if (known !== null && nowMs - timeOf(known.time) < DAY_MS) return;
  try {
    await refresh.run();
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
}
