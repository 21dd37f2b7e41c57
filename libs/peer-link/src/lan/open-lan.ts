// Puts together what a process needs to ask its neighbours, over the machine's network interfaces.
import { join } from 'node:path';
import type { PeerHome } from '#peer-home';
import type { Clock, Log } from '#process';
import type { UnixMs } from '#protocol';
import { LanChannel } from './lan-channel.js';
import type { LanInterface } from './lan-interfaces.js';
import { type LanBroker, LanNeighbours } from './lan-neighbours.js';
import { LanRequester } from './lan-requester.js';
import { LAN_RULES, type LanRules } from './lan-rules.js';
import { LanSocket } from './lan-socket.js';
import type { ShardShelf } from './shard-shelf.js';

/** How a machine takes part; the same on all machines of a network. */
export interface LanTuning {
  readonly rules?: LanRules;
  readonly interfaces?: () => readonly LanInterface[];
}

export interface OpenLanOptions {
  readonly home: PeerHome;
  readonly broker: LanBroker;
  /** What is fetched is kept here, for an agent of this home to serve; null where there is none. */
  readonly shelf: ShardShelf | null;
  readonly nowMs: () => UnixMs;
  readonly clock: Clock;
  readonly log: Log;
  readonly tuning?: LanTuning;
}

export interface OpenLan {
  readonly channel: LanChannel;
  readonly requester: LanRequester;
  readonly neighbours: LanNeighbours;
  readonly rules: LanRules;
  close(): Promise<void>;
}

/** Nothing is heard or said before the channel is opened, or somebody is asked. */
export function openLan({ home, broker, shelf, nowMs, clock, log, tuning = {} }: OpenLanOptions): OpenLan {
  const { rules = LAN_RULES, interfaces } = tuning;
  const { peerId, trustDomain } = home.identity;
  const medium = new LanSocket({ clock, log, rules, ...(interfaces !== undefined && { interfaces }) });
  const keys = (atMs: UnixMs) => home.network.lanKeys(atMs);
  const channel = new LanChannel({ medium, keys, peerId, nowMs, clock });
  const approvalKeys = () => home.network.signingKeys('approval');
  const requester = new LanRequester({ channel, approvalKeys, trustDomain, nowMs, clock, rules });
  const neighbours = new LanNeighbours({ requester, broker, shelf });
  const close = async (): Promise<void> => {
    requester.close();
    await neighbours.report();
    await neighbours.settle();
    await channel.close();
  };
  return { channel, requester, neighbours, rules, close };
}

export function shelfFolderOf(homePath: string): string {
  return join(homePath, 'shelf');
}
