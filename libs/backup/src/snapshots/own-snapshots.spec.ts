// The list of snapshots that a home wrote: it outlasts the process, and one that is lost or damaged is empty.
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ObjectId, uuidV7 } from '#protocol';
import { freshFolder } from '../files/testing-folders.js';
import { OwnSnapshots, UNCONFIRMED_SNAPSHOTS_MAX } from './own-snapshots.js';

let folder: ReturnType<typeof freshFolder>;
beforeEach(() => {
  folder = freshFolder();
});
afterEach(() => folder.remove());

const idOf = (number: number): ObjectId => uuidV7<ObjectId>(number, new Uint8Array(10));

describe('the snapshots of a home', () => {
  it('are known after a restart, confirmed or not', async () => {
    const own = await OwnSnapshots.open(folder.path);
    await own.noteStored(idOf(1));
    await own.noteStored(idOf(2));
    await own.noteConfirmed(idOf(1));
    await own.noteStored(idOf(3));
    await own.drop(idOf(3));
    const again = await OwnSnapshots.open(folder.path);
    expect([again.confirmed, again.unconfirmed]).toEqual([[idOf(1)], [idOf(2)]]);
  });

  it('are bounded: the oldest go first', async () => {
    const own = await OwnSnapshots.open(folder.path);
    for (let number = 0; number <= UNCONFIRMED_SNAPSHOTS_MAX; number++) await own.noteStored(idOf(number));
    expect(own.unconfirmed).toHaveLength(UNCONFIRMED_SNAPSHOTS_MAX);
    expect(own.unconfirmed).not.toContain(idOf(0));
  });

  it.each(['', '{"written": [', '{"written": ["../x"], "unconfirmed": []}'])(
    'are none in a file that says %j',
    async (text) => {
      const own = await OwnSnapshots.open(folder.path);
      await own.noteConfirmed(idOf(1));
      writeFileSync(join(folder.path, readdirSync(folder.path)[0]!), text);
      expect((await OwnSnapshots.open(folder.path)).confirmed).toEqual([]);
    },
  );
});
