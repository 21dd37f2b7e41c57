// What the environment asks the bench of backups for: rounds, sets of data and programs. Pure.

export const SET_NAMES = ['random', 'small', 'share'] as const;
export type SetName = (typeof SET_NAMES)[number];
export const PROGRAM_NAMES = ['one-copy', 'four-of-six', 'restic', 'borg'] as const;
export type ProgramName = (typeof PROGRAM_NAMES)[number];

export interface BenchSettings {
  readonly rounds: number;
  readonly sets: readonly SetName[];
  readonly programs: readonly ProgramName[];
  /** The folder behind the set `share`. */
  readonly shareFolder: string;
}

/**
 * BENCH_ROUNDS (1), BENCH_SETS and BENCH_PROGRAMS (all; names with commas between), BENCH_SHARE (/usr/share).
 *
 * throws   when one of them is not what it may be
 */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): BenchSettings {
  const rounds = Number(environment.BENCH_ROUNDS ?? '1');
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('BENCH_ROUNDS is not a whole number above 0');
  return {
    rounds,
    sets: chosen('BENCH_SETS', environment.BENCH_SETS, SET_NAMES),
    programs: chosen('BENCH_PROGRAMS', environment.BENCH_PROGRAMS, PROGRAM_NAMES),
    shareFolder: environment.BENCH_SHARE ?? '/usr/share',
  };
}

function chosen<T extends string>(variable: string, text: string | undefined, names: readonly T[]): readonly T[] {
  if (text === undefined || text === '') return names;
  const wanted = text.split(',');
  const unknown = wanted.filter((name) => !names.some((known) => known === name));
  if (unknown.length > 0) throw new Error(`${variable} knows ${names.join(', ')}, not ${unknown.join(', ')}`);
  return names.filter((name) => wanted.includes(name));
}
