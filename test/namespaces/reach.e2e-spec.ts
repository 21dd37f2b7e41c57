// Peers behind NAT, as real programs in networks of namespaces (F1, T3, T5): a LAN that lets nothing in is backed up to and
// from through relays, also when one dies, and what neighbours hold crosses no router.
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compareTrees } from '../../scripts/demo/compare-trees.js';
import { assertBuiltAfresh } from '../built-afresh.js';
import { describeInNamespaces } from './describe-in-namespaces.js';
import type { LabLan, LabMachine } from './namespace-lab.js';
import { type ReachAgent, ReachNetwork, type ReachRelay } from './reach-network.js';

assertBuiltAfresh();

const PACKET_BYTES = 1_500;
const SOURCE = join(import.meta.dirname, '../../libs');

interface Stored {
  readonly data_stored: number;
  readonly hosts: number;
}

describeInNamespaces('machines behind NAT', () => {
  let network: ReachNetwork;
  let relays: ReachRelay[];
  let lans: LabLan[];
  let neighbours: ReachAgent[];
  let person: LabMachine;
  let home: string;

  beforeAll(async () => {
    network = await ReachNetwork.create({ presenceIntervalMs: 2_000, vetting: { days: 0 } });
    relays = [await network.addRelay('relay-1'), await network.addRelay('relay-2')];
    lans = [await network.lab.addLan(1), await network.lab.addLan(2)];
    neighbours = await Promise.all([11, 12, 13].map((number) => network.addAgent(lans[0]!, number)));
    person = await network.lab.addLanMachine(lans[0]!, 20);
    home = await network.initClient(person);
  }, 180_000);

  afterAll(() => network.close(), 60_000);

  /** Bytes that relays sent into a LAN. */
  const relayed = async (lan: number): Promise<number> => {
    const counted = relays.map((relay) => network.lab.counted(lans[lan]!, `relay_${relay.machine.name.at(-1)}`));
    return (await Promise.all(counted)).reduce((sum, bytes) => sum + bytes, 0);
  };

  it('reach each other through a relay, and neighbours without one', async () => {
    for (const lan of lans) {
      for (const [i, relay] of relays.entries()) {
        await network.lab.countFrom(lan, `relay_${i + 1}`, relay.machine.address);
      }
    }
    const source = join(network.folder, 'small');
    await cp(join(SOURCE, 'protocol'), source, { recursive: true });
    const stored = await network.summaryOf<Stored>(person, ['backup', source, '--home', home]);
    expect(stored.hosts).toBe(3);

    const before = await relayed(0);
    const target = join(network.folder, 'small-copy');
    await network.run(person, 'peerkeep', ['restore', 'latest', '--target', target, '--home', home, '--json']);
    expect((await compareTrees(source, target, [])).differences).toEqual([]);
    // The relays go on asking their peers whether they are there: that is a few packets, and no shard.
    expect((await relayed(0)) - before).toBeLessThan(Math.min(40 * PACKET_BYTES, stored.data_stored / 4));
  });

  it('are backed up to from another LAN, which has no way in either, and restored when a relay dies under way', async () => {
    const others = await Promise.all([11, 12, 13].map((number) => network.addAgent(lans[1]!, number)));
    const source = join(network.folder, 'large');
    await cp(SOURCE, source, { recursive: true });
    const stored = await network.summaryOf<Stored>(person, ['backup', source, '--home', home]);
    expect(stored.hosts).toBeGreaterThan(3);
    const held = await Promise.all(others.map((agent) => network.status(agent)));
    expect(held.reduce((sum, { shards }) => sum + shards, 0)).toBeGreaterThan(0);
    const bytes = held.reduce((sum, { usedBytes }) => sum + usedBytes, 0);
    expect(await relayed(1)).toBeGreaterThan(bytes);

    await relays[0]!.command.end('SIGKILL');
    const target = join(network.folder, 'large-copy');
    await network.run(person, 'peerkeep', ['restore', 'latest', '--target', target, '--home', home, '--json']);
    expect((await compareTrees(source, target, [])).differences).toEqual([]);
    expect(neighbours).toHaveLength(3);
  });
});
