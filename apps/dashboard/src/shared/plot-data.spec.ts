// What plots draw, from what the broker answers (B24).
import { describe, expect, it } from 'vitest';
import { byteSteps, describePlot, plotDataByGroup, plotDataOf } from './plot-data.js';

describe('plotDataOf', () => {
  it('brings rows into the order of time, and keeps what is unknown unknown', () => {
    const rows = [
      { at: 2, used: 5, free: null },
      { at: 1, used: 3, free: 7 },
    ];
    expect(plotDataOf(rows, ({ at }) => at, { Used: ({ used }) => used, Free: ({ free }) => free })).toEqual({
      atMs: [1, 2],
      series: [
        { label: 'Used', values: [3, 5] },
        { label: 'Free', values: [7, null] },
      ],
    });
  });
});

describe('plotDataByGroup', () => {
  it('adds up what is of one day and group; a day without the group is 0', () => {
    const rows = [
      ['2026-11-02', 'b', 1],
      ['2026-11-01', 'a', 2],
      ['2026-11-01', 'a', 3],
    ] as const;
    const data = plotDataByGroup(rows, ([day, group, value]) => ({ day, group, value }));
    expect(data.atMs.map((at) => new Date(at).toISOString().slice(0, 10))).toEqual(['2026-11-01', '2026-11-02']);
    expect(data.series).toEqual([
      { label: 'a', values: [5, 0] },
      { label: 'b', values: [0, 1] },
    ]);
  });
});

describe('describePlot', () => {
  it('says what a reader would see', () => {
    const data = { atMs: [1, 2, 3], series: [{ label: 'Used', values: [1, null, 4] }] };
    expect(describePlot(data, (value) => `${value} B`)).toBe('3 points; Used: from 1 B to 4 B, at most 4 B');
    expect(describePlot({ atMs: [], series: [] }, String)).toBe('no data yet');
  });
});

describe('byteSteps', () => {
  it.each([
    [0, [0]],
    [10, [0, 5, 10]],
    [3 * 1_024, [0, 1_024, 2_048, 3_072]],
    [1_500 * 1_024 ** 2, [0, 0.5 * 1_024 ** 3, 1_024 ** 3]],
  ])('up to %d', (max, steps) => {
    expect(byteSteps(max, 3)).toEqual(steps);
  });
});
