// Which hosts and blocks are audited (B25): by bytes and suspicion, and no place that a host could drop unseen.
import { describe, expect, it } from 'vitest';
import { BLOCK_BYTES } from '#protocol';
import { auditPolicy } from './audit-policy.js';
import {
  type AuditableHost,
  auditsPerDay,
  decideAudits,
  drawBlock,
  drawShard,
  isChosenByBytes,
  pauseUntilNextMs,
} from './decide-audit.js';
import { seeded } from './testing/seeded.js';

const POLICY = auditPolicy.parse({});
const TiB = 1024 ** 4;
const SEED = 20_261_121;
const host = (heldBytes: number, verdict: AuditableHost['verdict'] = 'ok') => ({ heldBytes, verdict });

describe('the rate of audits', () => {
  it.each<[AuditableHost, number]>([
    [host(0), 0],
    [host(0, 'suspicious'), 0],
    [host(1), 24],
    [host(TiB), 48],
    [host(2 * TiB), 72],
    [host(100 * TiB), 96],
    [host(1, 'suspicious'), 8 * 24],
    [host(100 * TiB, 'suspicious'), 8 * 96],
  ])('of %o is %f a day', (one, perDay) => {
    expect(Math.round(auditsPerDay(one, POLICY))).toBe(perDay);
  });

  it('is kept by pauses that nobody foresees, and one that holds nothing is looked at again', () => {
    const hour = 60 * 60_000;
    expect(pauseUntilNextMs(host(1), () => 0, POLICY)).toBe(hour / 2);
    expect(pauseUntilNextMs(host(1), () => 0.5, POLICY)).toBe(hour);
    expect(pauseUntilNextMs(host(0), () => 0.5, POLICY)).toBe(hour);
  });
});

describe('those that are due', () => {
  it('are all asked, or a bounded number: the suspicious far more often', () => {
    const due = [...Array(50).fill(host(1)), ...Array(10).fill(host(1, 'suspicious'))];
    const random = seeded(SEED);
    expect(decideAudits(due, { max: 60, random, policy: POLICY })).toEqual(due);
    let suspicious = 0;
    for (let i = 0; i < 1_000; i++) {
      const [one, ...others] = decideAudits(due, { max: 1, random, policy: POLICY });
      expect(others).toEqual([]);
      if (one!.verdict === 'suspicious') suspicious++;
    }
    // 80 of 130 of the weight.
    expect(suspicious).toBeGreaterThan(560);
    expect(suspicious).toBeLessThan(670);
  });

  it('are no one twice, and those that hold nothing come last', () => {
    const due = [host(0), host(1), host(2), host(0)];
    const asked = decideAudits(due, { max: 2, random: seeded(SEED), policy: POLICY });
    expect(asked.map(({ heldBytes }) => heldBytes).sort()).toEqual([1, 2]);
  });
});

describe('the block that is asked for', () => {
  it(`has the same chance wherever it lies: by bytes, seed ${SEED}`, () => {
    const random = seeded(SEED);
    const sizes = [1, BLOCK_BYTES, BLOCK_BYTES + 1, 4 * BLOCK_BYTES, 10 * BLOCK_BYTES - 1];
    const sizeMax = Math.max(...sizes);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    const counts = new Map<string, number>();
    const rounds = 200_000;
    for (let i = 0; i < rounds; i++) {
      let shard: number;
      do shard = drawShard(sizes.length, random);
      while (!isChosenByBytes(sizes[shard]!, sizeMax, random));
      const place = `${shard}/${drawBlock(sizes[shard]!, random)}`;
      counts.set(place, (counts.get(place) ?? 0) + 1);
    }
    for (const [shard, size] of sizes.entries()) {
      for (let block = 0; block * BLOCK_BYTES < size; block++) {
        const bytes = Math.min(BLOCK_BYTES, size - block * BLOCK_BYTES);
        const expected = (rounds * bytes) / total;
        const count = counts.get(`${shard}/${block}`) ?? 0;
        // Five standard deviations of a Poisson count; at least one.
        expect(Math.abs(count - expected)).toBeLessThan(Math.max(2, 5 * Math.sqrt(expected)));
      }
    }
  });

  it('lies within the shard, at either end of chance', () => {
    const most = 1 - 2 ** -53;
    for (const size of [1, BLOCK_BYTES, BLOCK_BYTES + 1, 64 * 1024 * 1024]) {
      expect(drawBlock(size, () => 0)).toBe(0);
      expect(drawBlock(size, () => most)).toBe(Math.ceil(size / BLOCK_BYTES) - 1);
      expect(isChosenByBytes(size, size, () => most)).toBe(true);
    }
    expect(drawShard(7, () => most)).toBe(6);
  });
});
