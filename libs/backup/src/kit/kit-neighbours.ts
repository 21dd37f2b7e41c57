// Hosts of a kit on the local network: wherever they are reached by now, and behind whatever, neighbours find each other.
import { NetworkFacts } from '#peer-home';
import {
  LAN_RULES,
  LanChannel,
  LanNeighbours,
  LanRequester,
  LanSocket,
  type LanTuning,
  type PeerLink,
} from '#peer-link';
import type { Clock, Log } from '#process';
import { ProtocolError } from '#protocol';
import type { NeighboursPort } from '../ports.js';
import type { RecoveryKit } from './recovery-kit.js';

export interface KitNeighboursOptions {
  readonly kit: RecoveryKit;
  /** Speaks to hosts under the identity of the kit. */
  readonly link: PeerLink;
  readonly tuning: LanTuning;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Asks as an engine with a broker does, but believes a neighbour without approval that a token of the kit names: it has
 * to show that host's certificate, and bytes of the content id. No other neighbour is any use here.
 */
export function openKitNeighbours(options: KitNeighboursOptions): NeighboursPort & { close(): Promise<void> } {
  const { kit, link, tuning, clock, log } = options;
  const facts = factsOf(kit);
  const { rules = LAN_RULES, interfaces } = tuning;
  const medium = new LanSocket({ clock, log, rules, ...(interfaces !== undefined && { interfaces }) });
  const nowMs = (): number => clock.nowMs();
  const channel = new LanChannel({ medium, keys: (atMs) => facts.lanKeys(atMs), peerId: kit.kitId, nowMs, clock });
  const hosts = new Set(kit.hosts.map(({ peerId }) => peerId));
  const requester = new LanRequester({
    channel,
    approvalKeys: () => facts.signingKeys('approval'),
    trustDomain: kit.trustDomain,
    nowMs,
    clock,
    rules,
    trusts: (peerId) => hosts.has(peerId),
  });
  const neighbours = new LanNeighbours({ requester, broker: NO_BROKER, shelf: null });
  return {
    find: (wanted, signal) => neighbours.find(wanted, signal),
    failed: (get, code) => neighbours.failed(get, code),
    keep: (cid, bytes) => neighbours.keep(cid, bytes),
    noteProgress: (cid, progress) => neighbours.noteProgress(cid, progress),
    getShard: (get) => link.getShard(get),
    close: async () => {
      requester.close();
      await channel.close();
    },
  };
}

/** Neighbours that no token of the kit names would need one. */
const NO_BROKER = {
  lanGets: async () => {
    throw new ProtocolError('kit_only_restores');
  },
  lanReports: async () => undefined,
};

/** What the home that made the kit knew of its network; nobody is heard where it knew nothing. */
function factsOf({ madeAt: time, network }: RecoveryKit): NetworkFacts {
  const facts = { time, signingKeys: [], lanKeys: [], ...network, publicName: null, relayDomain: null };
  const text = JSON.stringify(facts);
  return new NetworkFacts({ read: () => text, write: async () => undefined });
}
