// A build that is older than a source is found before its commands are tested, whatever the compiler had to write.
import { mkdirSync, mkdtempSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { sourceNewerThan } from './built-afresh.js';

const LONG_AGO = new Date('2020-01-01T00:00:00Z');
const LATER = new Date('2100-01-01T00:00:00Z');

let root: string;
let built: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'checkout-'));
  for (const folder of ['apps', 'libs', 'migrations', 'scripts', 'dist'])
    mkdirSync(join(root, folder, 'deep'), { recursive: true });
  built = join(root, 'dist', 'main.js');
  writeFileSync(built, '');
  // The compiler left it as it was; that it was built since shows in its time of change alone.
  utimesSync(built, LONG_AGO, new Date(LONG_AGO.getTime() - 1_000));
});

function write(file: string, at: Date): void {
  writeFileSync(join(root, file), '');
  utimesSync(join(root, file), at, at);
}

it('is fresh when every source is older, and names one that is not', () => {
  write('apps/deep/main.ts', LONG_AGO);
  expect(sourceNewerThan(built, { root })).toBeNull();
  write('migrations/index.ts', LATER);
  expect(sourceNewerThan(built, { root })).toBe(join('migrations', 'index.ts'));
});

it('does not depend on tests, nor on what is no source', () => {
  for (const file of ['apps/a.spec.ts', 'apps/a.long-spec.ts', 'libs/notes.md']) write(file, LATER);
  expect(sourceNewerThan(built, { root })).toBeNull();
});

it('is not fresh when nothing is built', () => {
  write('libs/deep/a.ts', LONG_AGO);
  expect(sourceNewerThan(join(root, 'dist', 'missing.js'), { root })).toBe(join('libs', 'deep', 'a.ts'));
});
