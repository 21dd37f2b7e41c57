// How often a batch may be cut off: any number of times while it gets further, within the bytes that it may move in all.
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Database } from '#database';
import { contentIdOf, TOKEN_RELEASES_MAX, type VerifiedToken } from '#protocol';
import { ManualTime, makeFolder, openAgentDatabase, verifiedToken } from '../../../../test/claim-fixture.js';
import { beginRun, markCleanStop } from '../state/agent-state.js';
import { ReplayList } from './replay-list.js';

const START_MS = Date.UTC(2026, 10, 20);
const SHARDS = [new Uint8Array(1_000).fill(1), new Uint8Array(3_000).fill(2)];
const TOTAL_BYTES = 4_000;

let folder: string;
let database: Database;
let list: ReplayList;
let token: VerifiedToken;

beforeEach(async () => {
  folder = await makeFolder();
  await open();
  const items = SHARDS.map((bytes) => ({ cid: contentIdOf(bytes), sizeBytes: bytes.length }));
  // As of a batch: the content of a token of several items is not that of one shard.
  token = { ...verifiedToken(SHARDS[0]!, START_MS), items } as VerifiedToken;
});

afterEach(() => database.close());

async function open(): Promise<void> {
  const time = new ManualTime(START_MS);
  time.brokerMs = START_MS;
  database = await openAgentDatabase(folder);
  list = await ReplayList.load(database, time, await beginRun(database));
}

async function restart(): Promise<void> {
  await database.writes.run((db) => markCleanStop(db, true));
  await database.close();
  await open();
}

async function cutOff(batch: { hasProgressed: boolean; movedBytes: number }): Promise<void> {
  const claimed = list.claim(token);
  list.markReleased(claimed, await database.writes.run((db) => list.release(db, claimed, batch)));
}

const isSpent = (): boolean => {
  try {
    list.giveBack(list.claim(token));
    return false;
  } catch (error) {
    expect(error).toMatchObject({ code: 'token_released_too_often' });
    return true;
  }
};

it('is never spent while each presentation gets further', async () => {
  for (let i = 0; i < 50; i++) await cutOff({ hasProgressed: true, movedBytes: 1 });
  expect(isSpent()).toBe(false);
});

it('is spent by cut-offs in a row that bring it no further, and progress begins a new row', async () => {
  for (let row = 0; row < 3; row++) {
    for (let i = 0; i < TOKEN_RELEASES_MAX; i++) await cutOff({ hasProgressed: false, movedBytes: 1 });
    await cutOff({ hasProgressed: true, movedBytes: 1 });
  }
  for (let i = 0; i <= TOKEN_RELEASES_MAX; i++) {
    expect(isSpent()).toBe(false);
    await cutOff({ hasProgressed: false, movedBytes: 1 });
  }
  expect(isSpent()).toBe(true);
});

it('is spent once it has moved as many bytes as an item that is cut off as often as it may be', async () => {
  const movedBytes = TOTAL_BYTES - 1;
  for (let i = 0; i <= TOKEN_RELEASES_MAX; i++) await cutOff({ hasProgressed: true, movedBytes });
  expect(isSpent()).toBe(false);
  await restart();
  expect(isSpent()).toBe(false);
  await cutOff({ hasProgressed: true, movedBytes: TOKEN_RELEASES_MAX + 1 });
  expect(isSpent()).toBe(true);
  await restart();
  expect(isSpent()).toBe(true);
});
