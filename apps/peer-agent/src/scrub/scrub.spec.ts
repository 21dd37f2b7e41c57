// The scrub of a real host (B18, B23): everything is read in slices, what has rotted is reported and put away, and a restart
// goes on where it was.
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLog } from '#process';
import { contentIdOf } from '#protocol';
import { AgentFixture, codeOf } from '../../../../test/agent-fixture.js';
import { corruptShard } from '../../../../test/corrupt-shard.js';
import { formatStatus, readStatus } from '../commands/status.js';
import { LOSSES_RETRY_MS, SCRUB_ROUND_MS_MIN, SCRUB_SLICE_BYTES } from '../limits.js';
import { shardPath } from '../shards/shard-path.js';
import { pauseAfterMs, restMs } from './scrub-pace.js';
import { readScrubState, type ScrubState } from './scrub-state.js';

const log = openLog('test', 'silent');
let host: AgentFixture;

beforeEach(async () => {
  host = await AgentFixture.start();
});
afterEach(() => host.stop());

const state = (): Promise<ScrubState> => host.read(readScrubState);
const fileOf = (shard: Uint8Array): string => shardPath(join(host.home.path, 'shards'), contentIdOf(shard)).file;

/** Slices until one more round has ended; returns how many. */
async function scrubRound(): Promise<number> {
  const { rounds } = await state();
  for (let slices = 1; slices <= 100; slices++) {
    await host.agent.triggers.scrub();
    if ((await state()).rounds > rounds) return slices;
  }
  throw new Error('the round does not end');
}

/** Some shards, in the order in which the scrub meets them. */
async function putShards(...sizes: number[]): Promise<Uint8Array[]> {
  const shards = sizes.map((size) => randomBytes(size));
  for (const shard of shards) await host.put(shard);
  return shards.sort((a, b) => (contentIdOf(a) < contentIdOf(b) ? -1 : 1));
}

describe('a round of the scrub (B18)', () => {
  it('reads every shard once, a slice at a time, and then rests', async () => {
    await putShards(1, 10_000, 2.5 * SCRUB_SLICE_BYTES, SCRUB_SLICE_BYTES);
    const bytes = 10_001 + 3.5 * SCRUB_SLICE_BYTES;
    expect(await scrubRound()).toBe(4);
    expect(await state()).toMatchObject({ rounds: 1, roundShards: 4, roundBytes: bytes, afterCid: null, corrupt: 0 });
    host.clock.advance(SCRUB_ROUND_MS_MIN / 2);
    for (let i = 0; i < 10; i++) await host.agent.triggers.scrub();
    expect((await state()).rounds).toBe(1);
    host.clock.advance(SCRUB_ROUND_MS_MIN / 2);
    await scrubRound();
    expect((await state()).rounds).toBe(2);
  });

  it('goes on after a restart where it was', async () => {
    const [first, second] = await putShards(SCRUB_SLICE_BYTES, SCRUB_SLICE_BYTES, SCRUB_SLICE_BYTES);
    await host.agent.triggers.scrub();
    await host.agent.triggers.scrub();
    await host.agent.stop();
    await host.restart();
    expect(await state()).toMatchObject({ afterCid: contentIdOf(second!), roundShards: 2, rounds: 0 });
    expect((await readStatus(host.home.path, log)).scrub).toMatchObject({ isUnderWay: true, shards: 2, rounds: 0 });
    // What was read already is not read again in this round.
    await corruptShard(host.home.path, contentIdOf(first!), 5);
    await scrubRound();
    expect(await state()).toMatchObject({ roundShards: 3, corrupt: 0 });
  });
});

describe('a shard that rots (B18)', () => {
  it('is found, reported, and put away: nobody is served from it, and its space comes back', async () => {
    const [good, bad] = await putShards(50_000, 2 * SCRUB_SLICE_BYTES);
    await corruptShard(host.home.path, contentIdOf(bad!), bad!.length - 1);
    await scrubRound();
    expect(host.broker.losses).toEqual([contentIdOf(bad!)]);
    expect(codeOf(await host.get(bad!))).toBe('shard_unknown');
    expect((await host.get(good!)).status).toBe(200);
    expect(existsSync(fileOf(bad!))).toBe(false);
    const status = await readStatus(host.home.path, log);
    expect(status).toMatchObject({ shards: 1, trashBytes: bad!.length, scrub: { corrupt: 1, unreported: 0 } });
    expect(formatStatus(status)).toMatch(/^scrub +resting; last whole round until \S+; 1 found spoiled$/m);
    host.clock.advance(SCRUB_ROUND_MS_MIN);
    await scrubRound();
    expect(host.broker.losses).toHaveLength(1);
  });

  it('is reported as well when somebody reads it first', async () => {
    const [shard] = await putShards(20_000);
    await scrubRound();
    await corruptShard(host.home.path, contentIdOf(shard!), 5);
    expect(codeOf(await host.get(shard!))).toBe('shard_corrupt');
    await host.agent.triggers.scrub();
    expect(host.broker.losses).toEqual([contentIdOf(shard!)]);
    expect(codeOf(await host.get(shard!))).toBe('shard_unknown');
  });

  it('and whose file is gone is found as well', async () => {
    const [shard] = await putShards(20_000);
    await rm(fileOf(shard!));
    await scrubRound();
    expect(host.broker.losses).toEqual([contentIdOf(shard!)]);
    expect(await readStatus(host.home.path, log)).toMatchObject({ shards: 0 });
  });

  it('waits for a broker that is away, and is not put away before it has heard', async () => {
    const [shard] = await putShards(20_000);
    await corruptShard(host.home.path, contentIdOf(shard!), 5);
    host.broker.isDown = true;
    await scrubRound();
    expect(await readStatus(host.home.path, log)).toMatchObject({ shards: 1, scrub: { corrupt: 1, unreported: 1 } });
    expect(codeOf(await host.get(shard!))).toBe('shard_corrupt');
    host.broker.isDown = false;
    await host.agent.triggers.scrub();
    expect(host.broker.losses).toEqual([]);
    host.clock.advance(LOSSES_RETRY_MS);
    await host.agent.triggers.scrub();
    expect(host.broker.losses).toEqual([contentIdOf(shard!)]);
    expect(await readStatus(host.home.path, log)).toMatchObject({ shards: 0, scrub: { corrupt: 1, unreported: 0 } });
  });

  it('and is put again meanwhile is kept, and no loss', async () => {
    const [shard] = await putShards(20_000);
    await corruptShard(host.home.path, contentIdOf(shard!), 5);
    host.broker.isDown = true;
    await scrubRound();
    host.broker.isDown = false;
    expect((await host.put(shard!)).status).toBe(201);
    host.clock.advance(LOSSES_RETRY_MS);
    await host.agent.triggers.scrub();
    expect(host.broker.losses).toEqual([]);
    expect(await readStatus(host.home.path, log)).toMatchObject({ shards: 1, scrub: { unreported: 0 } });
    expect((await host.get(shard!)).status).toBe(200);
  });
});

describe('the pace', () => {
  it('keeps to so many bytes a second', () => {
    const pace = { bytesPerSecond: 4 * 1024 * 1024, roundMsMin: 1_000 };
    expect(pauseAfterMs(SCRUB_SLICE_BYTES, pace)).toBe(250);
    expect(pauseAfterMs(1, pace)).toBe(1);
    expect(pauseAfterMs(SCRUB_SLICE_BYTES, { ...pace, bytesPerSecond: 1024 })).toBe(1_024_000);
  });

  it('begins rounds apart, and forgives a clock that was set back', () => {
    const pace = { bytesPerSecond: 1, roundMsMin: 1_000 };
    expect(restMs({ beganAtMs: 0, nowMs: 10_000 }, pace)).toBe(0);
    expect(restMs({ beganAtMs: 9_500, nowMs: 10_000 }, pace)).toBe(500);
    expect(restMs({ beganAtMs: 90_000, nowMs: 10_000 }, pace)).toBe(0);
  });
});
