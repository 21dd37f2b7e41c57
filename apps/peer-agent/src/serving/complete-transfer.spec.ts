// How transfers end when their unit does not: given back when it never ran, and in doubt, for good, when it may have.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Database, WriteQueue } from '#database';
import { openLog } from '#process';
import { TestAuthority } from '../../../../test/authority.js';
import { ManualTime, makeFolder, openAgentDatabase, verifiedToken } from '../../../../test/claim-fixture.js';
import { createHome, peerIdOf } from '../../../../test/peer-fixture.js';
import { HostIdentity } from '../host-identity.js';
import { RefusalTally } from '../reports/refusal-tally.js';
import { ReportOutbox } from '../reports/report-outbox.js';
import { DiskShardStore } from '../shards/disk-shard-store.js';
import { DiskShardFiles } from '../shards/shard-files.js';
import { ShardIndex } from '../shards/shard-index.js';
import { UnsettledShards } from '../shards/unsettled-shards.js';
import { beginRun } from '../state/agent-state.js';
import { onlyItemOf, ReplayList } from '../tokens/replay-list.js';
import { CompleteTransfer } from './complete-transfer.js';
import { CompleteUse } from './complete-use.js';

const NOW_MS = Date.UTC(2026, 10, 20);
const BYTES = randomBytes(1_000);
const time = new ManualTime(NOW_MS);
const log = openLog('test', 'silent');

let database: Database;
let list: ReplayList;
let outbox: ReportOutbox;
let store: DiskShardStore;
let index: ShardIndex;
let identity: HostIdentity;

beforeEach(async () => {
  const folder = await makeFolder();
  database = await openAgentDatabase(folder);
  list = await ReplayList.load(database, time, await beginRun(database));
  outbox = await ReportOutbox.load(database, 1);
  index = new ShardIndex(database);
  const place = { directory: join(folder, 'shards'), runId: '0123456789abcdef' };
  const parts = { files: new DiskShardFiles(), unsettled: new UnsettledShards() };
  const told = { onReadOnly: () => undefined, onCorrupt: () => undefined };
  store = await DiskShardStore.open({ ...place, ...parts, ...told });
  identity = new HostIdentity(await createHome(await TestAuthority.create(), { peerId: peerIdOf(1) }));
});

afterEach(() => database.close());

function completion(of: Database = database): CompleteTransfer {
  const uses = new CompleteUse(of, list, index, store, outbox, new RefusalTally(), identity, time, log);
  return new CompleteTransfer(of, list, index, store, outbox, identity, time, log, uses);
}

/** Fill the queue of writes in this turn of the event loop; returns when it has emptied. */
async function flood(): Promise<void> {
  const units: Promise<void>[] = [];
  for (let i = 0; i < 10_000; i++) units.push(database.writes.run(async () => undefined));
  await Promise.allSettled(units);
}

/** Writes of which nobody can tell whether they are there. */
function withBrokenCommit(): Database {
  const connection = {
    db: database.reads,
    begin: async () => undefined,
    commit: () => Promise.reject(new Error('disk')),
    rollBack: async () => undefined,
    markUnit: async () => undefined,
    keepUnit: async () => undefined,
    undoUnit: async () => undefined,
  };
  return { ...database, writes: new WriteQueue(connection) };
}

const body = (): Readable => Readable.from([BYTES], { objectMode: false });

describe('a unit that never ran', () => {
  it('gives the token of a put back, keeps the disk in use, and leaves room for the receipt', async () => {
    const token = verifiedToken(BYTES, NOW_MS);
    const shard = await store.write(onlyItemOf(list.claim(token)), body());
    const flooded = flood();
    await expect(completion().stored(shard, outbox.keepPlace())).rejects.toMatchObject({ code: 'host_busy' });
    await flooded;
    expect([store.isReadOnly, list.isDurable, await index.has(token.items[0]!.cid)]).toEqual([false, true, false]);

    const again = await store.write(onlyItemOf(list.claim(token)), body());
    const { receipt, isNew } = await completion().stored(again, outbox.keepPlace());
    expect([isNew, await list.receiptOf(token)]).toEqual([true, receipt]);
  });

  it('counts as no cut-off, and burns no token of a transfer that failed', async () => {
    const token = verifiedToken(BYTES, NOW_MS);
    for (let i = 0; i < 5; i++) {
      const complete = completion();
      const claimed = list.claim(token);
      const flooded = flood();
      const ending =
        i % 2 === 0
          ? complete.cutOff({ token: claimed }, outbox.keepPlace())
          : complete.failed({ token: claimed }, outbox.keepPlace(), 'shard_too_short');
      await expect(ending).rejects.toMatchObject({ code: 'host_busy' });
      expect(complete.hasEnded({ token: claimed })).toBe(true);
      await flooded;
    }
    expect(list.isBurned(token)).toBe(false);
    list.claim(token);
  });

  it('because the host stops says so', async () => {
    const token = list.claim(verifiedToken(BYTES, NOW_MS));
    await database.writes.close();
    await expect(completion().cutOff({ token }, outbox.keepPlace())).rejects.toMatchObject({ code: 'host_stopping' });
    expect([store.isReadOnly, list.isDurable]).toEqual([false, true]);
  });
});

describe('a unit whose commit failed', () => {
  it('burns the token and ends all further writing', async () => {
    const token = verifiedToken(BYTES, NOW_MS);
    const ending = completion(withBrokenCommit()).cutOff({ token: list.claim(token) }, outbox.keepPlace());
    await expect(ending).rejects.toMatchObject({ code: 'host_read_only' });
    expect([list.isBurned(token), list.isDurable, store.isReadOnly]).toEqual([true, false, true]);
  });
});
