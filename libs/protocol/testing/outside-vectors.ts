// Test vectors made by others, read from the folder that OUTSIDE_VECTORS names; they are not part of this project.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * One file of the folder, parsed; null, said aloud, when there is no such folder. Tests that get null have proved
 * their point with our own vectors and oracles already.
 */
export function outsideVectors<T>(file: string): T | null {
  const folder = process.env.OUTSIDE_VECTORS;
  if (folder === undefined || !existsSync(folder)) {
    console.warn(`${file}: outside vectors not found, skipped`);
    return null;
  }
  return JSON.parse(readFileSync(join(folder, file), 'utf8')) as T;
}

/** A file of Project Wycheproof: groups of tests, each valid or invalid. */
export interface Wycheproof<Group, Test> {
  readonly numberOfTests: number;
  readonly testGroups: readonly (Group & { readonly tests: readonly WycheproofTest<Test>[] })[];
}
type WycheproofTest<Test> = Test & { readonly tcId: number; readonly result: 'valid' | 'invalid' };

/**
 * Run each test of a Wycheproof file.
 *
 * accepts  whether our function takes the test as valid
 * returns  how many were run, and the ids of those where we differ; null without the outside vectors
 */
export function runWycheproof<Group, Test>(
  file: string,
  accepts: (test: Test, group: Group) => boolean,
  take: (group: Group) => boolean = () => true,
): { run: number; differing: number[] } | null {
  const vectors = outsideVectors<Wycheproof<Group, Test>>(`wycheproof/${file}`);
  if (vectors === null) return null;
  let run = 0;
  const differing: number[] = [];
  for (const group of vectors.testGroups.filter(take)) {
    for (const test of group.tests) {
      run++;
      if (accepts(test, group) !== (test.result === 'valid')) differing.push(test.tcId);
    }
  }
  return { run, differing };
}
