// What a prune does with each object: the rules one by one.
import { describe, expect, it } from 'vitest';
import type { ObjectId } from '#protocol';
import { decidePrune, type PruneRules, type WeighedObject } from './decide-prune.js';

const rules: PruneRules = {
  nowMs: 1_000,
  minAgeMs: 100,
  maxUnused: { percent: 5 },
  repackBytesMax: null,
  smallBytesMax: null,
};

function weighed(name: string, of: Partial<WeighedObject> = {}): WeighedObject {
  const whole = { kind: 'data', createdMs: 0, chunkBytes: 100, liveBytes: 100, stranded: false } as const;
  return { objectId: name as ObjectId, ...whole, ripeMs: null, held: false, ...of };
}

const planOf = (objects: WeighedObject[], more: Partial<PruneRules> = {}) =>
  decidePrune(objects, { ...rules, ...more });

describe('decidePrune', () => {
  it.each<[string, Partial<WeighedObject>, 'deletes' | 'marks' | 'waits' | 'rescues' | null]>([
    ['whole and wanted', {}, null],
    ['nobody wants it', { liveBytes: 0 }, 'marks'],
    ['no index names it', { chunkBytes: 0, liveBytes: 0 }, 'marks'],
    ['nobody wants it, and it is as old as it must be', { liveBytes: 0, createdMs: 900 }, 'marks'],
    ['nobody wants it, and it is young', { liveBytes: 0, createdMs: 901 }, null],
    ['nobody wants it, and it is held', { liveBytes: 0, held: true }, null],
    ['marked and ripe', { liveBytes: 0, ripeMs: 1_000 }, 'deletes'],
    ['marked and unripe', { liveBytes: 0, ripeMs: 1_001 }, 'waits'],
    ['marked, ripe and held', { liveBytes: 0, ripeMs: 1, held: true }, 'waits'],
    ['marked and ripe, and others have what is wanted of it', { liveBytes: 0, ripeMs: 1 }, 'deletes'],
    ['marked and ripe, and only marked ones have what is wanted of it', { ripeMs: 1, stranded: true }, 'rescues'],
    ['another marked one is looked in for what only they have', { ripeMs: 1, liveBytes: 0, stranded: true }, 'rescues'],
  ])('%s', (_what, of, expected) => {
    const plan = planOf([weighed('one', of)]);
    const found = (['deletes', 'marks', 'rescues'] as const).find((name) => plan[name].length > 0) ?? null;
    expect(found ?? (plan.waits.length > 0 ? 'waits' : null)).toBe(expected);
    if (expected === 'rescues') expect(plan.waits).toEqual(['one']);
  });

  it('copies out of the emptiest objects until what is unused is within the bound', () => {
    const objects = [
      weighed('nearly full', { liveBytes: 95 }),
      weighed('half full', { liveBytes: 50 }),
      weighed('nearly empty', { liveBytes: 5 }),
      weighed('full'),
    ];
    expect(planOf(objects)).toMatchObject({ repacks: ['nearly empty', 'half full'], unusedBytes: 5 });
    expect(planOf(objects, { maxUnused: { bytes: 55 } })).toMatchObject({ repacks: ['nearly empty'], unusedBytes: 55 });
    expect(planOf(objects, { maxUnused: { percent: 0 } }).repacks).toHaveLength(3);
    expect(planOf(objects, { maxUnused: 'unlimited' })).toMatchObject({ repacks: [], unusedBytes: 150 });
  });

  it('copies no more than it is told to', () => {
    const objects = [weighed('a', { liveBytes: 30 }), weighed('b', { liveBytes: 40 }), weighed('c', { liveBytes: 20 })];
    expect(planOf(objects, { repackBytesMax: 50 }).repacks).toEqual(['c', 'a']);
  });

  it('puts small objects of a kind together when there are two of it', () => {
    const objects = [
      weighed('small', { chunkBytes: 10, liveBytes: 10 }),
      weighed('small too', { chunkBytes: 12, liveBytes: 12 }),
      weighed('the only small tree', { kind: 'tree', chunkBytes: 10, liveBytes: 10 }),
      weighed('large'),
    ];
    expect(planOf(objects, { smallBytesMax: 50 }).repacks).toEqual(['small', 'small too']);
    expect(planOf(objects).repacks).toEqual([]);
  });
});
