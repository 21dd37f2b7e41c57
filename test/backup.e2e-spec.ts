// The main job, end to end: a folder goes out to hosts, and comes back on a machine that knows only the phrase.
import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { compareTrees } from '../scripts/demo/compare-trees.js';
import { World } from './world.js';

let world: World;
afterEach(() => world.close());

describe('backup and restore', () => {
  it('gives every byte back to a new machine with two of six hosts gone (B7, B11, B20)', async () => {
    world = await World.create({ hosts: 6 });
    const client = await world.addClient();
    const source = await world.writeFiles('source', {
      'a.txt': 'hello',
      empty: '',
      'deep/er/b.bin': randomBytes(3_000_000),
      'deep/c.bin': randomBytes(40_000_000),
      'Ünï côde 🎈.txt': 'x'.repeat(100_000),
    });
    const backup = await client.backup(source);
    expect(backup).toMatchObject({ files: 5, directories: 2, skipped: 0, hosts: 6 });

    await world.hosts[0]!.kill();
    await world.hosts[3]!.kill();
    const newMachine = await world.recoverClient(await client.phrase());
    const restored = await newMachine.restore(world.path('restored'));
    expect(restored).toMatchObject({ files: 5, directories: 2, failed: 0, bytes: 43_100_005 });
    expect(await compareTrees(source, world.path('restored'), [])).toEqual({ entries: 7, differences: [] });
  });
});
