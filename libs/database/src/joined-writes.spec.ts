// Requests that share a unit: fewer units than requests, each its own outcome, and nobody lost when the unit fails.
import { describe, expect, it } from 'vitest';
import { isRefusal } from '#protocol';
import { JoinedWrites, type Outcome } from './joined-writes.js';
import { WriteConnection, WriteQueue } from './write-queue.js';

class NullConnection extends WriteConnection {
  readonly db = {} as WriteConnection['db'];
  failBegin = false;
  begins = 0;

  async begin(): Promise<void> {
    this.begins++;
    if (this.failBegin) throw new Error('the file is locked');
  }
  async commit(): Promise<void> {}
  async rollBack(): Promise<void> {}
  async markUnit(): Promise<void> {}
  async keepUnit(): Promise<void> {}
  async undoUnit(): Promise<void> {}
}

interface Setting {
  readonly units: string[][];
  readonly joined: JoinedWrites<string, string>;
  readonly connection: NullConnection;
  /** Called when a unit runs. */
  readonly duringUnit: { do: () => void };
}

/** Requests are words: `!` at the end is refused by itself, `#` undoes the unit that it is in. */
function open(bounds: { togetherMax?: number; waitingMax?: number } = {}): Setting {
  const units: string[][] = [];
  const duringUnit = { do: () => {} };
  const connection = new NullConnection();
  const queue = new WriteQueue(connection);
  const joined = new JoinedWrites<string, string>({
    write: (unit) => queue.run(unit),
    together: async (_db, words) => {
      units.push([...words]);
      duringUnit.do();
      if (words.some((word) => word.endsWith('#'))) throw new Error(`undone: ${words.join(' ')}`);
      return words.map(
        (word): Outcome<string> =>
          word.endsWith('!')
            ? { ok: false, error: new Error(`refused: ${word}`) }
            : { ok: true, result: word.toUpperCase() },
      );
    },
    togetherMax: bounds.togetherMax ?? 10,
    waitingMax: bounds.waitingMax ?? 100,
  });
  return { units, joined, connection, duringUnit };
}

const texts = (settled: readonly PromiseSettledResult<string>[]): string[] =>
  settled.map((one) => (one.status === 'fulfilled' ? one.value : (one.reason as Error).message));

describe('JoinedWrites', () => {
  it('writes what arrives together in one unit, in order, and tells each its own result', async () => {
    const { units, joined } = open();
    expect(await Promise.all(['a', 'b', 'c'].map((word) => joined.run(word)))).toEqual(['A', 'B', 'C']);
    expect(units).toEqual([['a', 'b', 'c']]);
  });

  it('takes no more than its bound into one unit, and all in the end', async () => {
    const { units, joined } = open({ togetherMax: 2 });
    expect(await Promise.all(['a', 'b', 'c', 'd', 'e'].map((word) => joined.run(word)))).toHaveLength(5);
    expect(units).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
  });

  it('refuses one and writes the others', async () => {
    const { units, joined } = open();
    const settled = await Promise.allSettled(['a', 'b!', 'c'].map((word) => joined.run(word)));
    expect(texts(settled)).toEqual(['A', 'refused: b!', 'C']);
    expect(units).toHaveLength(1);
  });

  it('writes each alone when one undoes their unit', async () => {
    const { units, joined } = open();
    const settled = await Promise.allSettled(['a', 'b#', 'c'].map((word) => joined.run(word)));
    expect(texts(settled)).toEqual(['A', 'undone: b#', 'C']);
    expect(units).toEqual([['a', 'b#', 'c'], ['a'], ['b#'], ['c']]);
  });

  it('goes on after a failure, with whoever came meanwhile', async () => {
    const { joined } = open();
    const first = Promise.allSettled(['a#', 'b'].map((word) => joined.run(word)));
    const second = first.then(() => joined.run('c'));
    expect(texts(await first)).toEqual(['undone: a#', 'B']);
    expect(await second).toBe('C');
  });

  it('asks for no unit that has nobody to write, whatever failed before', async () => {
    const { units, joined, duringUnit } = open();
    let second: Promise<string> | undefined;
    duringUnit.do = () => {
      second ??= joined.run('b');
    };
    // 'c' comes when the first unit has failed and the one for 'b' has not begun.
    const third = joined.run('a#').catch(() => joined.run('c'));
    expect(await third).toBe('C');
    expect(await second).toBe('B');
    await joined.run('d');
    expect(units).toEqual([['a#'], ['b', 'c'], ['d']]);
  });

  it('tells all who wait when the database cannot be written, and serves the next', async () => {
    const { joined, connection } = open();
    connection.failBegin = true;
    const settled = await Promise.allSettled(['a', 'b'].map((word) => joined.run(word)));
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    // Each beginning may have waited long for another process.
    expect(connection.begins).toBe(1);
    connection.failBegin = false;
    expect(await joined.run('c')).toBe('C');
  });

  it('refuses at its bound', async () => {
    const { joined } = open({ waitingMax: 2 });
    const settled = await Promise.allSettled(['a', 'b', 'c'].map((word) => joined.run(word)));
    expect(settled.map((one) => one.status === 'rejected' && isRefusal(one.reason, 'overloaded'))).toEqual([
      false,
      false,
      true,
    ]);
  });
});
