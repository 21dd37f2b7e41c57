// Test vectors made by others, read from the folder that OUTSIDE_VECTORS names; they are not part of this project.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
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

/** The files of one kind in the folder; null without the folder. */
export function outsideFiles(kind: 'wycheproof' | 'paseto'): readonly string[] | null {
  const folder = process.env.OUTSIDE_VECTORS;
  if (folder === undefined || !existsSync(folder)) return null;
  return readdirSync(join(folder, kind)).sort();
}

/** A file of Project Wycheproof: groups of tests, each valid or invalid. */
export interface Wycheproof<Group, Test> {
  readonly numberOfTests: number;
  readonly testGroups: readonly (Group & { readonly tests: readonly WycheproofTest<Test>[] })[];
}
type WycheproofTest<Test> = Test & { readonly tcId: number; readonly result: 'valid' | 'invalid' };

/** How many tests of each kind ran, and the ids of those where we differ. */
export interface WycheproofOutcome {
  readonly valid: number;
  readonly invalid: number;
  readonly invalidAccepted: readonly number[];
  readonly validRefused: readonly number[];
}

/**
 * Run the tests of a Wycheproof file, and print one line of what came out.
 *
 * through  the function under test, for the line
 * accepts  whether our function takes the test as valid
 * take     which groups, and which of their tests, are of the parameters that we use
 * returns  null without the outside vectors
 * throws   when the file is there and none of its tests is used
 */
export function runWycheproof<Group, Test>(
  file: string,
  through: string,
  accepts: (test: Test, group: Group) => boolean,
  take: (group: Group, test: Test) => boolean = () => true,
): WycheproofOutcome | null {
  const vectors = outsideVectors<Wycheproof<Group, Test>>(`wycheproof/${file}`);
  if (vectors === null) return null;
  const used = { valid: 0, invalid: 0 };
  const invalidAccepted: number[] = [];
  const validRefused: number[] = [];
  for (const group of vectors.testGroups) {
    for (const test of group.tests.filter((candidate) => take(group, candidate))) {
      used[test.result]++;
      const accepted = accepts(test, group);
      if (accepted && test.result === 'invalid') invalidAccepted.push(test.tcId);
      if (!accepted && test.result === 'valid') validRefused.push(test.tcId);
    }
  }
  const count = used.valid + used.invalid;
  if (count === 0) throw new Error(`${file}: the file is there, and none of its tests is used`);
  console.info(
    `outside vectors, wycheproof ${file} through ${through}: ${count} used of ${vectors.numberOfTests}, ` +
      `${invalidAccepted.length} of ${used.invalid} invalid accepted, ${validRefused.length} of ${used.valid} valid refused`,
  );
  return { ...used, invalidAccepted, validRefused };
}

/** What an outcome is to be: so many of each, and no difference. */
export function agreement(valid: number, invalid: number): WycheproofOutcome {
  return { valid, invalid, invalidAccepted: [], validRefused: [] };
}
