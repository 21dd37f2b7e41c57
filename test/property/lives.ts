// How many random lives a property test lives and from which seed, and the living of them one after another.
import { randomInt } from 'node:crypto';
import { expect } from 'vitest';

export interface Lives {
  readonly count: number;
  readonly firstSeed: number;
}

export interface LifeEnd {
  /** What is wrong; empty after a good life. */
  readonly faults: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
}

/**
 * The same lives each time; PEERKEEP_SEED=random lives others, a number repeats one that went wrong, and PEERKEEP_LIVES
 * says how many.
 */
export function wantedLives(usual: Lives): Lives {
  const { PEERKEEP_LIVES: count = usual.count, PEERKEEP_SEED: seed = usual.firstSeed } = process.env;
  return { count: Number(count), firstSeed: seed === 'random' ? randomInt(2 ** 31) : Number(seed) };
}

/** Live them; every fault fails the test by its seed. Returns the sums of their counts, which are printed too. */
export async function liveAll(
  { count, firstSeed }: Lives,
  what: string,
  live: (seed: number) => Promise<LifeEnd>,
): Promise<Readonly<Record<string, number>>> {
  const totals: Record<string, number> = {};
  for (let seed = firstSeed; seed < firstSeed + count; seed++) {
    const { faults, counts } = await live(seed).catch((error: unknown) => {
      throw new Error(`the life of seed ${seed} ended early`, { cause: error });
    });
    expect({ seed, faults }).toEqual({ seed, faults: [] });
    for (const [name, number] of Object.entries(counts)) totals[name] = (totals[name] ?? 0) + number;
  }
  process.stderr.write(`${what}: ${count} lives from seed ${firstSeed}: ${JSON.stringify(totals)}\n`);
  return totals;
}
