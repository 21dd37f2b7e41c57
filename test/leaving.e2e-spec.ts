// A host leaves in peace (B23): nothing new goes there, what it has is read from it and moved away, and then it is gone.
import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ListedPeer, PeerId } from '#protocol';
import { leave } from '../apps/peer-agent/src/commands/leave.js';
import { formatStatus, readStatus } from '../apps/peer-agent/src/commands/status.js';
import { compareTrees } from '../scripts/demo/compare-trees.js';
import { type CommandPlace, peerkeepHere } from './command-here.js';
import { shareWorld } from './shared-world.js';
import type { WorldClient, WorldHost } from './world.js';

const DAY_MS = 24 * 60 * 60_000;
const world = shareWorld({
  hosts: 4,
  policy: {
    redundancy: [{ hosts: 4, dataShards: 2, totalShards: 4, safeShards: 3 }],
    leaving: { days: 0.2 },
    audits: { on: false },
  },
});

let client: WorldClient;
let leaving: WorldHost;
let idle: WorldHost;
let source: string;
let snapshot: string;

const place = (): CommandPlace => ({ home: client.home.path, clock: world().clock, log: world().log });
interface ListedHosts {
  readonly hosts: readonly { peer_id: PeerId; shards: number; state: string; online: boolean }[];
  readonly total: number;
  readonly operators: number;
}
const hostsNow = async (): Promise<ListedHosts> =>
  JSON.parse((await peerkeepHere(place(), 'hosts', '--json')).stdout) as ListedHosts;
const ask = (host: WorldHost, undo = false): Promise<string> => {
  const { clock, log } = world();
  return leave({ homePath: host.home.path, homeKey: null, reason: 'moving house', undo, clock, log });
};
const stateOf = async (host: WorldHost): Promise<ListedPeer> => {
  const peers = await world().askBroker(host, (broker) => broker.listPeers());
  return peers.find(({ peerId }) => peerId === host.peerId)!;
};

beforeAll(async () => {
  client = await world().addClient();
  source = await world().writeFiles('source', { 'a.bin': randomBytes(200_000), 'b.txt': 'text' });
  snapshot = (await client.backup(source)).snapshotId!;
  await world().settle();
  [leaving] = world().hosts as [WorldHost];
  idle = await world().addHost();
  await world().addHost();
});

describe('peerkeep hosts', () => {
  it('lists who holds the shards, in text and as JSON', async () => {
    const { hosts, total, operators } = await hostsNow();
    expect(total).toBe(hosts.length);
    expect(operators).toBe(total);
    expect(hosts.every(({ state, online, shards }) => state === 'vetting' && online && shards > 0)).toBe(true);
    const { stdout, code } = await peerkeepHere(place(), 'hosts');
    expect(code).toBe(0);
    for (const { peer_id: peerId, shards } of hosts) {
      expect(
        stdout.split('\n').filter((line) => line.includes(peerId.slice(0, 18)) && line.includes(` ${shards} `)),
      ).not.toEqual([]);
    }
    expect(stdout).toContain(`${total} hosts of ${total} operators in ${total} networks`);
  });
});

describe('peerkeep-agent leave', () => {
  it('can be taken back', async () => {
    expect(await ask(leaving)).toContain('no new shards come here');
    expect(await stateOf(leaving)).toMatchObject({
      state: 'leaving',
      stateChange: { by: 'owner', reason: 'moving house' },
    });
    expect(await ask(leaving, true)).toContain('takes shards again');
    expect((await stateOf(leaving)).state).toBe('vetting');
  });

  it('sends nothing new there, and what it holds is read from it', async () => {
    await ask(leaving);
    await ask(idle);
    const before = await leaving.shardFiles();
    const more = await world().writeFiles('more', { 'c.bin': randomBytes(300_000) });
    await client.backup(more);
    await world().settle();
    expect(await leaving.shardFiles()).toEqual(before);
    expect(await idle.shardFiles()).toEqual([]);
    // Two of the four hosts of each object are away: without this one too few are left.
    const others = world().hosts.slice(1, 3);
    for (const host of others) await host.stop();
    const target = world().path('restored');
    await client.dropCachedObjects();
    await client.restore(target, snapshot);
    for (const host of others) await host.start();
    expect((await compareTrees(source, target, [])).differences).toEqual([]);
  });

  it('is over for a host that holds nothing when its time has passed, and not for one that does', async () => {
    await world().pass(DAY_MS / 4);
    await world().broker.keepStandingsNow();
    expect((await stateOf(idle)).state).toBe('gone');
    expect((await stateOf(leaving)).state).toBe('leaving');
    const status = await readStatus(leaving.home.path, world().log);
    expect(formatStatus(status)).toContain('leaving');
  });
});
