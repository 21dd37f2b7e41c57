// Credit from end to end (B22): what a backup of a durability class costs, what `peerkeep credit` tells of it, and that
// nothing but storing asks for it.
import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { peerkeepHere, type Spoken } from './command-here.js';
import { shareWorld } from './shared-world.js';
import type { WorldClient } from './world.js';

const CODE = { hosts: 2, dataShards: 1, totalShards: 2, safeShards: 2 };
const classes = { 'second-copy': { ratio: 1.5 }, archive: { ratio: 2.5, redundancy: [CODE] } };
const world = shareWorld({ hosts: 2, policy: { exchange: { classes }, openingCreditBytes: 2_000_000 } });
let client: WorldClient;
let source: string;

beforeAll(async () => {
  client = await world().addClient();
  source = await world().writeFiles('source', { 'a.bin': randomBytes(100_000) });
});

const run = (...args: string[]): Promise<Spoken> =>
  peerkeepHere({ home: client.home.path, clock: world().clock, log: world().log }, ...args);

describe('a backup of a durability class', () => {
  it('costs the price of its class, and credit tells so', async () => {
    expect((await run('backup', '--durability', 'archive', source)).code).toBe(0);
    await world().settle();
    const rows = await world().brokerRows<{ durability: string; bytes: number; charge: number; shards: number }>(
      `SELECT o.durability AS durability, SUM(s.size_bytes) AS bytes, SUM(s.charge) AS charge, COUNT(*) AS shards
       FROM shards s JOIN objects o ON o.id = s.object_id GROUP BY o.durability`,
    );
    // Half of 2.5 times each copy, rounded up.
    expect(rows.map(({ durability }) => durability)).toEqual(['archive']);
    const { bytes, charge, shards } = rows[0]!;
    expect(charge - bytes * 1.25).toBeLessThan(shards);
    expect(charge).toBeGreaterThanOrEqual(bytes * 1.25);
    const told = await run('credit', '--json');
    expect(told.code).toBe(0);
    const answer = JSON.parse(told.stdout) as {
      credit: object;
      classes: { durability: string; backup_bytes: string }[];
    };
    expect(answer.credit).toEqual({
      available: `${2_000_000 - charge}`,
      reserved: '0',
      used: `${charge}`,
      withheld: '0',
    });
    expect(answer.classes.map((each) => [each.durability, each.backup_bytes])).toEqual([
      ['second-copy', `${Math.floor((2_000_000 - charge) / 1.5)}`],
      ['archive', `${Math.floor((2_000_000 - charge) / 2.5)}`],
    ]);
    expect((await run('credit')).stdout).toContain('second-copy (default)');
  });

  it('is refused when the broker has no such class, or the name is none', async () => {
    const more = await world().writeFiles('more', { 'b.bin': randomBytes(1_000) });
    expect((await run('backup', '--durability', 'nosuch', more)).stderr).toContain('durability class');
    expect((await run('backup', '--durability', 'Not A Name', more)).code).toBe(2);
  });

  it('without credit stores nothing more; lists, restores and forgets are not asked for any (trap 21)', async () => {
    const large = await world().writeFiles('large', { 'c.bin': randomBytes(2_000_000) });
    expect((await run('backup', large)).stderr).toContain('credit');
    expect((await run('ls', 'latest')).code).toBe(0);
    expect((await run('restore', 'latest', '--target', `${source}-back`)).code).toBe(0);
    expect((await run('forget', 'latest')).code).toBe(0);
  });
});
