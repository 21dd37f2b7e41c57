// An owner's wishes from end to end (B23, B24): `backup --region` and `--group`, and where the shards are then.
import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { PeerId } from '#protocol';
import { peerkeepHere, type Spoken } from './command-here.js';
import { shareWorld } from './shared-world.js';
import type { WorldClient, WorldHost } from './world.js';

const TABLE = [
  { hosts: 2, dataShards: 1, totalShards: 2, safeShards: 2 },
  { hosts: 4, dataShards: 2, totalShards: 4, safeShards: 3 },
];
const world = shareWorld({ hosts: 1, policy: { redundancy: TABLE } });
let client: WorldClient;
const european: WorldHost[] = [];

beforeAll(async () => {
  await world().addHost(undefined, { region: 'us' });
  for (let i = 0; i < 2; i++) european.push(await world().addHost(undefined, { region: 'eu' }));
  client = await world().addClient();
});

const runAt = ({ home }: Pick<WorldClient, 'home'>, ...args: string[]): Promise<Spoken> =>
  peerkeepHere({ home: home.path, clock: world().clock, log: world().log }, ...args);
const run = (...args: string[]): Promise<Spoken> => runAt(client, ...args);
const backUp = async (name: string, ...options: string[]): Promise<Spoken> =>
  run('backup', ...options, await world().writeFiles(name, { 'a.bin': randomBytes(50_000) }));
const hostsOf = async (condition: string): Promise<PeerId[]> => {
  await world().settle();
  const rows = await world().brokerRows<{ host_id: PeerId }>(
    `SELECT DISTINCT s.host_id AS host_id FROM shards s JOIN objects o ON o.id = s.object_id
     WHERE s.state = 'stored' AND ${condition} ORDER BY s.host_id`,
  );
  return rows.map(({ host_id: hostId }) => hostId);
};
const idsOf = (hosts: readonly WorldHost[]): PeerId[] => hosts.map(({ peerId }) => peerId).sort();

describe('a backup with wishes', () => {
  it('goes to hosts of the region, in the code that these allow, and comes back', async () => {
    expect(await backUp('first', '--region', 'eu,ch')).toMatchObject({ code: 0 });
    expect(await hostsOf("o.wished_regions = 'eu,ch'")).toEqual(idsOf(european));
    expect(await hostsOf('o.wished_regions IS NULL')).toEqual([]);
    expect((await run('check', '--read-data')).code).toBe(0);
  });

  it('goes to members of the group', async () => {
    const [first, second] = world().hosts as [WorldHost, WorldHost];
    const created = await run('groups', 'create', 'family');
    const group = created.stdout.trim();
    for (const host of [first, second]) {
      expect((await runAt(host, 'groups', 'apply', group)).code).toBe(0);
      expect((await run('groups', 'ls')).stdout).toContain(`${host.peerId} has applied to family`);
      expect((await run('groups', 'accept', group, host.peerId)).code).toBe(0);
    }
    expect(await backUp('second', '--group', group)).toMatchObject({ code: 0 });
    expect(await hostsOf(`o.wished_group = '${group}'`)).toEqual(idsOf([first, second]));
    expect((await runAt(first, 'groups', 'leave', group)).code).toBe(0);
    expect((await run('groups', 'remove', group, second.peerId)).code).toBe(0);
    expect(JSON.parse((await run('groups', 'ls', '--json')).stdout)).toMatchObject({
      groups: [
        { group_id: group, name: 'family', owned: true, members: [client.home.identity.peerId], applicants: [] },
      ],
    });
    expect((await runAt(second, 'groups', 'accept', group, first.peerId)).code).not.toBe(0);
  });

  it('goes nowhere without such hosts, and says so', async () => {
    const refused = await backUp('third', '--region', 'mars');
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('0 of the hosts that are wished for');
    expect(await hostsOf("o.wished_regions = 'mars'")).toEqual([]);
  });

  it.each([
    ['--region', 'The Moon'],
    ['--region', ''],
    ['--group', 'family'],
  ])('is refused with %s "%s", before anything is read', async (option, value) => {
    expect((await backUp('fourth', option, value)).code).toBe(2);
  });
});
