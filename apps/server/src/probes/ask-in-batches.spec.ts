// The slow hold up only themselves: what the others answered is recorded while they are waited for.
import { describe, expect, it, vi } from 'vitest';
import { askInBatches } from './ask-in-batches.js';

const HOSTS = Array.from({ length: 100 }, (_, i) => i);

describe('askInBatches', () => {
  it('hands on batches while some never answer, asks no more at once than it may, and each once', async () => {
    const batches: number[][] = [];
    const asked: number[] = [];
    let running = 0;
    let runningMost = 0;
    const free: (() => void)[] = [];
    const ask = async (host: number): Promise<number> => {
      asked.push(host);
      runningMost = Math.max(runningMost, ++running);
      if (host % 30 === 0) await new Promise<void>((resolve) => free.push(resolve));
      else await Promise.resolve();
      running--;
      return host;
    };
    const take = async (batch: readonly number[]): Promise<void> => void batches.push([...batch]);
    const round = askInBatches(HOSTS, { atOnceMax: 8, batchMax: 16, ask, take });
    await vi.waitFor(() => expect(asked).toHaveLength(100));
    await vi.waitFor(() => expect(batches).toHaveLength(6));
    expect(batches.flat().some((host) => host % 30 === 0)).toBe(false);
    for (const answer of free) answer();
    await round;
    expect(batches.map((batch) => batch.length)).toEqual([16, 16, 16, 16, 16, 16, 4]);
    expect(batches.flat().sort((a, b) => a - b)).toEqual(HOSTS);
    expect(asked).toEqual(HOSTS);
    expect(runningMost).toBe(8);
  });

  it('records what it has when one of them fails, and throws that', async () => {
    const taken: number[] = [];
    const ask = async (host: number): Promise<number> => {
      if (host === 1) throw new Error('no key');
      return host;
    };
    const take = async (batch: readonly number[]): Promise<void> => void taken.push(...batch);
    await expect(askInBatches([0, 1, 2], { atOnceMax: 2, batchMax: 16, ask, take })).rejects.toThrow('no key');
    expect(taken).toEqual([0, 2]);
  });
});
