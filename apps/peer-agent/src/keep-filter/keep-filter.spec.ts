// What a real host does with shards that its broker does not know (B18, SPEC §8.4): a few go to the trash, from which they can
// come back; anything that looks wrong stops it before.
import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLog } from '#process';
import {
  BloomFilter,
  type ContentId,
  contentIdOf,
  encodeBase64url,
  filterShape,
  formatTime,
  type KeepFilterAnswer,
  type KeepFilterParts,
  type KeepFilterRequest,
  keepPartHash,
  keepPartOf,
  nodeSuite,
  ProtocolError,
  TRASH_MS,
} from '#protocol';
import { AgentFixture, codeOf } from '../../../../test/agent-fixture.js';
import { acceptRestore } from '../commands/accept-restore.js';
import { keepFilter } from '../commands/keep-filter.js';
import { formatStatus, readStatus } from '../commands/status.js';
import { KEEP_INTERVAL_MS, KEEP_MARGIN_MS, KEEP_RESTORED_MS, UNWANTED_SHARDS_MIN } from '../limits.js';
import { isTooMuch, listFault, mayGo } from './decide-trashing.js';
import { type KeepState, readKeepState } from './keep-state.js';

const log = openLog('test', 'silent');
const DAY_MS = 86_400_000;
/** Past the pause between two runs, whatever was drawn for it, and past the margin. */
const LONG_MS = KEEP_MARGIN_MS + 2 * KEEP_INTERVAL_MS;
let host: AgentFixture;
let known: Set<ContentId>;
let revision: number;
let parts: KeepFilterParts;
/** What the broker says in place of what it should. */
let changed: (answer: KeepFilterAnswer) => KeepFilterAnswer;

beforeEach(async () => {
  host = await AgentFixture.start();
  known = new Set();
  revision = 1;
  parts = 1;
  changed = (answer) => answer;
  host.broker.keepFilterOf = (request) => changed(answerTo(request));
});
afterEach(() => host.stop());

function answerTo({ part }: KeepFilterRequest): KeepFilterAnswer {
  const cids = [...known].filter((cid) => keepPartOf(cid, parts) === part);
  const shape = filterShape(cids.length, 0.0001)!;
  const seed = randomBytes(16);
  const filter = BloomFilter.empty(nodeSuite, shape, seed);
  for (const cid of cids) filter.add(cid);
  const at = formatTime(host.clock.nowMs());
  const head = { part, parts, at, revision, cids: cids.length, seed: encodeBase64url(seed), hashes: shape.hashes };
  const sha256 = encodeBase64url(keepPartHash(nodeSuite, head, filter.bytes));
  return { ...head, filter: encodeBase64url(filter.bytes), sha256 };
}

const state = (): Promise<KeepState> => host.read(readKeepState);
const status = () => readStatus(host.home.path, log);
const isThere = async (shard: Uint8Array): Promise<boolean> => (await host.get(shard)).status === 200;
const thereOf = (shards: readonly Uint8Array[]): Promise<boolean[]> => Promise.all(shards.map(isThere));

/** Shards that are here, and of which the broker knows those that are named by their places. */
async function putShards(count: number, knownOnes: readonly number[] = [], change = {}): Promise<Uint8Array[]> {
  const shards = Array.from({ length: count }, (_, i) => randomBytes(100 + i));
  for (const shard of shards) {
    const answer = await host.put(shard, host.token('put', shard, change));
    expect(answer.status).toBe(201);
  }
  for (const i of knownOnes) known.add(contentIdOf(shards[i]!));
  return shards;
}

/** Until the broker has taken this home for the newest. */
async function restart(): Promise<void> {
  await host.restart();
  await host.agent.triggers.presence();
}

/** Let so much time pass that the next run comes, and run it. */
async function reconcile(afterMs = LONG_MS): Promise<KeepState> {
  host.clock.advance(afterMs);
  await host.agent.triggers.presence();
  await host.agent.triggers.keepFilter();
  return state();
}

describe('the daily run (B18)', () => {
  it('puts away what the broker does not know, and tells of it', async () => {
    const shards = await putShards(4, [0, 2]);
    expect(await reconcile()).toMatchObject({ code: null, lastShards: 2, lastBytes: 101 + 103, allShards: 2 });
    expect(await thereOf(shards)).toEqual([true, false, true, false]);
    expect(await status()).toMatchObject({ shards: 2, trashBytes: 204, usedBytes: 100 + 101 + 102 + 103 });
    expect(formatStatus(await status())).toMatch(
      /^keep-filter +asked \S+, 2 shards \(204 B\) put away; 2 shards \(204 B\) in all$/m,
    );
    expect(await reconcile()).toMatchObject({ lastShards: 0, allShards: 2 });
  });

  it('is due once a day, and not soon after a start', async () => {
    const [shard] = await putShards(1);
    await reconcile(60_000);
    expect((await state()).askedMs).toBe(0);
    await reconcile();
    expect(await isThere(shard!)).toBe(false);
    const { askedMs } = await state();
    await reconcile(KEEP_INTERVAL_MS / 2);
    expect((await state()).askedMs).toBe(askedMs);
    await host.agent.stop();
    await host.restart();
    await reconcile(KEEP_INTERVAL_MS);
    expect((await state()).askedMs).toBeGreaterThan(askedMs);
  });

  it('leaves what came here shortly before, and what is promised to be kept', async () => {
    const [promised] = await putShards(1, [], { retainUntilMs: host.clock.nowMs() + 30 * DAY_MS });
    host.clock.advance(LONG_MS);
    await host.agent.triggers.presence();
    const [young] = await putShards(1);
    expect(await reconcile(KEEP_MARGIN_MS / 2)).toMatchObject({ code: null, lastShards: 0 });
    expect(await thereOf([promised!, young!])).toEqual([true, true]);
    expect(await reconcile(KEEP_MARGIN_MS)).toMatchObject({ lastShards: 1 });
    expect(await thereOf([promised!, young!])).toEqual([true, false]);
    expect(await reconcile(31 * DAY_MS)).toMatchObject({ lastShards: 1 });
    expect(await isThere(promised!)).toBe(false);
  });

  it('takes back what the broker knows again, and lets go for good what it does not', async () => {
    const [back, gone] = await putShards(2);
    await reconcile();
    known.add(contentIdOf(back!));
    expect(await reconcile(KEEP_INTERVAL_MS * 1.5)).toMatchObject({ backShards: 1 });
    expect(await thereOf([back!, gone!])).toEqual([true, false]);
    expect(await status()).toMatchObject({ shards: 1, trashBytes: 101, usedBytes: 201 });
    await host.agent.stop();
    await restart();
    expect(await isThere(back!)).toBe(true);
    host.clock.advance(TRASH_MS);
    await host.agent.triggers.presence();
    await host.agent.triggers.trash();
    expect(await status()).toMatchObject({ shards: 1, trashBytes: 0, usedBytes: 100 });
    known.add(contentIdOf(gone!));
    expect(await reconcile()).toMatchObject({ backShards: 1 });
    expect(await isThere(gone!)).toBe(false);
  });

  it('asks for all parts, and misses nothing of any', async () => {
    parts = 64;
    const shards = await putShards(12, [1, 3, 5, 7, 9, 11]);
    await reconcile();
    expect(await thereOf(shards)).toEqual(shards.map((_, i) => i % 2 === 1));
  });
});

describe('nothing goes (B18)', () => {
  const faults: Readonly<Record<string, [(answer: KeepFilterAnswer) => KeepFilterAnswer, string]>> = {
    'when a part is missing': [
      (answer) => {
        if (answer.part === 40) throw new ProtocolError('overloaded');
        return answer;
      },
      'overloaded',
    ],
    'when another part comes': [(answer) => ({ ...answer, part: 0 }), 'keep_filter_incomplete'],
    'when a part has been changed': [(answer) => ({ ...answer, cids: answer.cids + 1 }), 'keep_filter_incomplete'],
    'when the broker fails': [
      () => {
        throw new ProtocolError('internal');
      },
      'internal',
    ],
  };
  it.each(Object.entries(faults))('%s', async (_, [change, code]) => {
    parts = 64;
    const shards = await putShards(3, [0]);
    changed = change;
    expect(await reconcile()).toMatchObject({ code, lastShards: 0, askedMs: 0 });
    expect(await thereOf(shards)).toEqual([true, true, true]);
    expect(formatStatus(await status())).toContain(`(${code})`);
    changed = (answer) => answer;
    expect(await reconcile()).toMatchObject({ code: null, lastShards: 2 });
  });

  it('when the broker knows less than before: its database is an older copy', async () => {
    const shards = await putShards(2, [0, 1]);
    revision = 10;
    await reconcile();
    known.clear();
    revision = 9;
    expect(await reconcile()).toMatchObject({ code: 'keep_filter_older', lastShards: 0 });
    revision = 10;
    changed = (answer) => {
      const at = formatTime(Date.parse(answer.at) - 30 * DAY_MS);
      const head = { ...answer, at };
      const sha256 = encodeBase64url(keepPartHash(nodeSuite, head, Buffer.from(answer.filter, 'base64url')));
      return { ...head, sha256 };
    };
    expect(await reconcile()).toMatchObject({ code: 'keep_filter_older', lastShards: 0 });
    expect(await thereOf(shards)).toEqual([true, true]);
  });

  it('when the broker does not know much of what is here, until a person says so', async () => {
    const shards = await putShards(UNWANTED_SHARDS_MIN + 3, [0, 1]);
    expect(await reconcile()).toMatchObject({ code: 'keep_filter_held_back', heldShards: UNWANTED_SHARDS_MIN + 1 });
    expect(await thereOf(shards)).not.toContain(false);
    const options = { homePath: host.home.path, homeKey: null };
    expect(await keepFilter({ ...options, accept: false })).toContain('held back');
    await expect(keepFilter({ ...options, accept: true })).rejects.toMatchObject({ code: 'data_dir_in_use' });
    await host.agent.stop();
    expect(await keepFilter({ ...options, accept: true })).toContain('17 shards');
    await restart();
    // One more than was agreed to: it is asked again.
    known.delete(contentIdOf(shards[1]!));
    await host.agent.triggers.keepFilter();
    expect(await state()).toMatchObject({ code: 'keep_filter_held_back', heldShards: UNWANTED_SHARDS_MIN + 2 });
    await host.agent.stop();
    await keepFilter({ ...options, accept: true });
    await restart();
    await host.agent.triggers.keepFilter();
    expect(await state()).toMatchObject({
      code: null,
      lastShards: UNWANTED_SHARDS_MIN + 2,
      acceptedShards: 0,
      heldShards: 0,
    });
    expect((await thereOf(shards)).filter(Boolean)).toHaveLength(1);
    await host.agent.stop();
    await expect(keepFilter({ ...options, accept: true })).rejects.toMatchObject({ code: 'usage' });
    await host.restart();
  });

  it('soon after a restore of this home was accepted', async () => {
    const [shard] = await putShards(1);
    await host.agent.stop();
    await acceptRestore({ homePath: host.home.path, homeKey: null, clock: host.clock, log });
    await host.restart();
    await host.outliveStart();
    expect(await reconcile()).toMatchObject({ code: 'home_restored', lastShards: 0 });
    expect(await isThere(shard!)).toBe(true);
    expect(await reconcile(KEEP_RESTORED_MS)).toMatchObject({ code: null, lastShards: 1 });
  });

  it('before the broker has heard of all that was put', async () => {
    host.broker.resultOf = () => {
      throw new ProtocolError('overloaded');
    };
    const [shard] = await putShards(1);
    expect(await reconcile()).toMatchObject({ code: 'overloaded', lastShards: 0 });
    expect(await isThere(shard!)).toBe(true);
  });
});

describe('the rules', () => {
  it('a tenth may go, and so may a few; a person may say more', () => {
    expect(isTooMuch(100, 1_000, 0)).toBe(false);
    expect(isTooMuch(101, 1_000, 0)).toBe(true);
    expect(isTooMuch(101, 1_000, 101)).toBe(false);
    expect(isTooMuch(UNWANTED_SHARDS_MIN, UNWANTED_SHARDS_MIN, 0)).toBe(false);
    expect(isTooMuch(UNWANTED_SHARDS_MIN + 1, UNWANTED_SHARDS_MIN + 1, 0)).toBe(true);
  });

  it('a list is at least as new as the one before, in time and in what the broker had written down', () => {
    const last = { listedMs: 1_000, revision: 5 };
    expect(listFault({ atMs: 1_000, revision: 5 }, last)).toBeNull();
    expect(listFault({ atMs: 999, revision: 5 }, last)).toBe('keep_filter_older');
    expect(listFault({ atMs: 1_000, revision: 4 }, last)).toBe('keep_filter_older');
  });

  it('only what is old by both clocks goes, and nothing that was promised', () => {
    const nowMs = 100 * DAY_MS;
    const old = { permittedMs: 0, storedMs: 0, retainedUntilMs: 0 };
    const young = nowMs - KEEP_MARGIN_MS;
    expect(mayGo(old, nowMs, nowMs)).toBe(true);
    expect(mayGo({ ...old, permittedMs: young }, nowMs, nowMs)).toBe(false);
    expect(mayGo({ ...old, storedMs: young }, nowMs, nowMs)).toBe(false);
    expect(mayGo({ ...old, retainedUntilMs: nowMs + 1 }, nowMs, nowMs)).toBe(false);
  });
});

describe('puts and deletions at the same time (B18)', () => {
  it('what the broker knows, and what it permits meanwhile, is there afterwards', async () => {
    const garbage = await putShards(6);
    const wanted = await putShards(4, [0, 1, 2, 3]);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ shard: fc.nat(5), turns: fc.nat(40) }), { maxLength: 6 }), async (puts) => {
        host.clock.advance(LONG_MS);
        await host.agent.triggers.presence();
        const run = host.agent.triggers.keepFilter();
        const again = await Promise.all(
          puts.map(async ({ shard, turns }) => {
            for (let turn = 0; turn < turns; turn++) await setImmediate();
            // Permitted after the list was asked for: the broker did not have it in its list.
            const answer = await host.put(garbage[shard]!);
            return { shard, isStored: answer.status === 201 };
          }),
        );
        await run;
        const there = await thereOf(garbage);
        for (const { shard, isStored } of again) expect([isStored, there[shard]]).toEqual([true, true]);
        expect(await thereOf(wanted)).toEqual([true, true, true, true]);
        const { shards, usedBytes, trashBytes } = await status();
        expect(shards).toBe(4 + there.filter(Boolean).length);
        const rows = await host.read((reads) =>
          reads.query<{ bytes: number }[]>('SELECT sum(size_bytes) AS bytes FROM shard'),
        );
        expect(usedBytes).toBe(Number(rows[0]!.bytes) + trashBytes);
      }),
      { numRuns: 15 },
    );
    expect(codeOf(await host.get(randomBytes(10)))).toBe('shard_unknown');
  });
});
