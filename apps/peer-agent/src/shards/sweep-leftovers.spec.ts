// The sweep: what a process before left goes, and no shard goes for good because its row is missing today.
import { randomBytes } from 'node:crypto';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '#database';
import { openLog } from '#process';
import { contentIdOf } from '#protocol';
import { ManualTime, makeFolder, openAgentDatabase, verifiedToken } from '../../../../test/claim-fixture.js';
import { SWEEP_PAUSE_MS, SWEEP_REST_MS, SWEEP_WAIT_MS, TRASH_LIFE_MS } from '../limits.js';
import { type AgentState, beginRun, markCleanStop } from '../state/agent-state.js';
import { onlyItemOf, ReplayList } from '../tokens/replay-list.js';
import { DiskShardStore, type StoredShard } from './disk-shard-store.js';
import { DiskShardFiles, type ShardFiles } from './shard-files.js';
import { ShardIndex } from './shard-index.js';
import { SHARD_FOLDERS, shardPath } from './shard-path.js';
import { SweepLeftovers } from './sweep-leftovers.js';
import { UnsettledShards } from './unsettled-shards.js';

const NOW_MS = Date.UTC(2026, 10, 20);
const RUN = '0123456789abcdef';

let directory: string;
let folder: string;
let database: Database;
let state: AgentState;
let store: DiskShardStore;
let index: ShardIndex;
let list: ReplayList;
let unsettled: UnsettledShards;
let time: ManualTime;

beforeEach(async () => {
  folder = await makeFolder();
  directory = join(folder, 'shards');
  time = new ManualTime(NOW_MS);
  time.brokerMs = NOW_MS;
  await begin();
});

afterEach(() => database.close());

async function begin(): Promise<void> {
  database = await openAgentDatabase(folder);
  state = await beginRun(database);
  list = await ReplayList.load(database, time, state);
  index = new ShardIndex(database);
  unsettled = new UnsettledShards();
  const files = new DiskShardFiles();
  store = await DiskShardStore.open({
    directory,
    runId: RUN,
    files,
    unsettled,
    onReadOnly: () => undefined,
    onCorrupt: () => undefined,
  });
}

/** A new process on the same folder, after a clean stop. */
async function restart(): Promise<void> {
  await database.writes.run((db) => markCleanStop(db, true));
  await database.close();
  await begin();
}

function sweeper(files: ShardFiles = new DiskShardFiles(), log = openLog('test', 'silent')): SweepLeftovers {
  return new SweepLeftovers({ directory, runId: RUN }, files, index, unsettled, state, time, log);
}

async function sweep(sweeping = sweeper()): Promise<void> {
  do await sweeping.sweepFolder();
  while (!sweeping.isResting);
}

async function write(bytes: Uint8Array): Promise<StoredShard> {
  return store.write(
    onlyItemOf(list.claim(verifiedToken(bytes, NOW_MS))),
    Readable.from([bytes], { objectMode: false }),
  );
}

/** A file in place and no row. */
async function leaveBehind(bytes: Uint8Array): Promise<void> {
  store.settle(await write(bytes));
}

async function keep(bytes: Uint8Array): Promise<void> {
  const stored = await write(bytes);
  await database.writes.run((db) => index.add(db, stored, NOW_MS));
  store.settle(stored);
}

const nameOf = (bytes: Uint8Array): string => relative(directory, shardPath(directory, contentIdOf(bytes)).file);
const trashedNameOf = (bytes: Uint8Array, atMs: number): string => join('trash', `${nameOf(bytes)}.${atMs}`);

async function filesThere(): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort();
}

describe('the sweep', () => {
  it('removes other processes’ temp files, moves files without a row into the trash, and touches nothing else', async () => {
    await restart();
    const [kept, orphan, held] = [randomBytes(10), randomBytes(20), randomBytes(30)];
    await keep(kept);
    await leaveBehind(orphan);
    await write(held);
    await writeFile(join(directory, `${nameOf(kept)}.ffffffffffffffff-0.tmp`), 'old');
    await writeFile(join(directory, `${nameOf(kept)}.${RUN}-9.tmp`), 'mine');
    await writeFile(join(directory, '00', 'README'), 'foreign');
    await sweep();
    expect(await filesThere()).toEqual(
      [nameOf(kept), nameOf(held), `${nameOf(kept)}.${RUN}-9.tmp`, '00/README', trashedNameOf(orphan, NOW_MS)].sort(),
    );
  });

  it('takes no shard while the database is new, and deletes none that a lost database had known', async () => {
    const shards = [randomBytes(10), randomBytes(20)];
    for (const bytes of shards) await keep(bytes);
    await database.close();
    for (const name of ['agent.db', 'agent.db-wal', 'agent.db-shm']) await rm(join(folder, name), { force: true });
    await begin();
    const temporary = join(directory, `${nameOf(shards[0]!)}.ffffffffffffffff-0.tmp`);
    await writeFile(temporary, 'old');
    await sweep();
    expect(await filesThere()).toEqual(shards.map(nameOf).sort());
    await restart();
    await sweep();
    expect(await filesThere()).toEqual(shards.map((bytes) => trashedNameOf(bytes, NOW_MS)).sort());
  });

  it('deletes from the trash a week later by the time of the broker, and only what it put there', async () => {
    await restart();
    const orphan = randomBytes(20);
    await leaveBehind(orphan);
    const sweeping = sweeper();
    await sweep(sweeping);
    await writeFile(join(directory, 'trash', '00', 'README'), 'foreign');
    time.localMs = NOW_MS + 100 * TRASH_LIFE_MS;
    time.brokerMs = NOW_MS + TRASH_LIFE_MS - 1;
    await sweep(sweeping);
    expect(await filesThere()).toEqual([trashedNameOf(orphan, NOW_MS), 'trash/00/README'].sort());
    time.brokerMs = NOW_MS + TRASH_LIFE_MS;
    await sweep(sweeping);
    expect(await filesThere()).toEqual(['trash/00/README']);
  });

  it('takes no notice of the trash when the same shard is put again', async () => {
    await restart();
    const bytes = randomBytes(20);
    await leaveBehind(bytes);
    await sweep();
    await keep(bytes);
    await sweep();
    expect(await filesThere()).toEqual([nameOf(bytes), trashedNameOf(bytes, NOW_MS)].sort());
  });

  it('waits for the broker to tell the time, then goes from folder to folder, then rests', async () => {
    await restart();
    await leaveBehind(randomBytes(20));
    const before = await filesThere();
    time.brokerMs = null;
    const sweeping = sweeper();
    for (let i = 0; i < SHARD_FOLDERS.length; i++) await sweeping.sweepFolder();
    expect([await filesThere(), sweeping.pauseMs]).toEqual([before, SWEEP_WAIT_MS]);
    time.brokerMs = NOW_MS;
    await sweeping.sweepFolder();
    expect(sweeping.pauseMs).toBe(SWEEP_PAUSE_MS);
    await sweep(sweeping);
    expect(sweeping.pauseMs).toBe(SWEEP_REST_MS);
  });

  it('passes by folders that it cannot list, and says so once a round', async () => {
    await restart();
    const orphans = Array.from({ length: 8 }, () => randomBytes(20));
    for (const bytes of orphans) await leaveBehind(bytes);
    const unreadable = [nameOf(orphans[0]!).slice(0, 2), 'ff'];
    const log = openLog('test', 'silent');
    const warned: unknown[] = [];
    log.warn = ((entry: unknown) => warned.push(entry)) as typeof log.warn;
    await sweep(sweeper(new UnreadableFolders(unreadable.map((name) => join(directory, name))), log));
    const there = await filesThere();
    for (const bytes of orphans) {
      const isPassedBy = unreadable.includes(nameOf(bytes).slice(0, 2));
      expect(there).toContain(isPassedBy ? nameOf(bytes) : trashedNameOf(bytes, NOW_MS));
    }
    const count = new Set(unreadable).size;
    expect(warned).toMatchObject([{ event: 'sweep_incomplete', count, err: { code: 'EIO' } }]);
  });
});

class UnreadableFolders extends DiskShardFiles {
  constructor(private readonly folders: readonly string[]) {
    super();
  }

  override list(path: string): Promise<string[]> {
    if (this.folders.includes(path)) return Promise.reject(Object.assign(new Error('disk'), { code: 'EIO' }));
    return super.list(path);
  }
}
