// Forged snapshots, and targets that somebody prepared or changes meanwhile: 10,000 names, and nothing outside is touched.
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { OVERWRITE_POLICIES } from './decide-overwrite.js';
import { RestoreBench } from './testing/restored.js';
import { type Plain, type PlainFolder, StoredSnapshot } from './testing/stored-snapshot.js';

const NAMES_MIN = 10_000;
const SEED = 20_261_121;

let bench: RestoreBench;
beforeEach(() => {
  bench = new RestoreBench();
  mkdirSync(bench.at('canary/d'), { recursive: true });
  writeFileSync(bench.at('canary/f'), 'canary');
  writeFileSync(bench.at('canary/d/f'), 'canary');
  writeFileSync(bench.at('canary/linked'), 'canary', { mode: 0o600 });
  symlinkSync('f', bench.at('canary/link'));
});
afterEach(() => bench.remove());

/** Everything about the canary but how many names its files have: those inside the target may come and go. */
function describeCanary(): string[] {
  const names = ['', ...(readdirSync(bench.at('canary'), { recursive: true }) as string[])].sort();
  return names.map((name) => {
    const path = bench.at('canary', name);
    const { ino, mode, uid, gid, size, mtimeNs, ctimeNs, nlink } = lstatSync(path, { bigint: true });
    const isLinked = name === 'linked';
    const content = lstatSync(path).isFile() ? readFileSync(path, 'latin1') : '';
    const link = lstatSync(path).isSymbolicLink() ? readlinkSync(path) : '';
    return [name, ino, mode, uid, gid, size, mtimeNs, isLinked ? '' : `${ctimeNs} ${nlink}`, content, link].join(' ');
  });
}

const SIMPLE = ['a', 'A', 'b', 'B', 'ä', 'a\xcc\x88', 'f', 'd'];
const HOSTILE = [
  '.',
  '..',
  '...',
  '/',
  '//',
  '/etc',
  'a/b',
  '../canary',
  '../canary/f',
  '../../canary',
  'd/../../canary/f',
  './a',
  'a/',
  'a\0',
  '..\0',
  '\0',
  '\\..\\canary',
  'c:',
  'CON',
  'nul.txt',
  'x'.repeat(255),
  'x'.repeat(256),
  'y'.repeat(1_000),
  '\xff',
  '\xc0\xaf',
  '\xc0\xae\xc0\xae',
  '\xe2\x80\xae',
  '\xe2\x88\x95etc',
  '\xef\xbc\x8f',
  '-rf',
  '~',
  '*',
  '$HOME',
  ' ',
  '\n',
  '.peerkeep-0000000000000000.partial',
];
const name = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...SIMPLE) },
  { weight: 5, arbitrary: fc.constantFrom(...HOSTILE) },
  {
    weight: 1,
    arbitrary: fc.uint8Array({ minLength: 1, maxLength: 12 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  },
);
const linkTarget = fc.constantFrom(
  '../canary',
  '../canary/f',
  '../../canary',
  'CANARY',
  'CANARY/f',
  '/',
  '..',
  '.',
  'a',
  '\0',
);
const mode = fc.constantFrom(0o644, 0o777, 0o4755, 0o600, 0o700);
const leaf: fc.Arbitrary<Plain> = fc.oneof(
  fc.record({ chunks: fc.array(fc.constantFrom('x', 'yy', 'canary'), { maxLength: 3 }), mode }),
  fc.record({ chunks: fc.constant(['linked']), mode, hardLink: fc.constantFrom('1:1', '1:2') }),
  fc.record({ linkTarget }),
  fc.record({ special: fc.constantFrom('fifo' as const, 'socket' as const), mode }),
);
const folder = (depth: number): fc.Arbitrary<PlainFolder> =>
  fc
    .array(fc.tuple(name, depth === 0 ? leaf : fc.oneof(leaf, fc.record({ entries: folder(depth - 1), mode }))), {
      minLength: depth === 2 ? 20 : 0,
      maxLength: depth === 2 ? 40 : 5,
    })
    .map((entries) => new Map(entries));
/** What somebody put into the target before. */
const planted = fc.array(
  fc.record({
    where: fc.constantFrom(...SIMPLE, 'd/a', 'd/f'),
    what: fc.constantFrom('link-to-dir', 'link-to-file', 'hard-link', 'file', 'dir', 'dangling'),
  }),
  { maxLength: 6 },
);
const scene = fc.record({
  tree: folder(2),
  planted,
  overwrite: fc.option(fc.constantFrom(...OVERWRITE_POLICIES), { nil: undefined }),
  deletes: fc.boolean(),
  /** After which entries somebody else swaps a folder for a link out of the target. */
  swaps: fc.array(fc.nat(40), { maxLength: 4 }),
});

function plant({ where, what }: { where: string; what: string }): void {
  const path = Buffer.concat([Buffer.from(`${bench.target}/`), Buffer.from(where, 'latin1')]);
  try {
    mkdirSync(`${bench.target}/d`, { recursive: true });
    if (what === 'link-to-dir') symlinkSync(bench.at('canary'), path);
    else if (what === 'link-to-file') symlinkSync('../canary/f', path);
    else if (what === 'hard-link') linkSync(bench.at('canary/linked'), path);
    else if (what === 'dangling') symlinkSync(bench.at('canary/made'), path);
    else if (what === 'dir') mkdirSync(path);
    else writeFileSync(path, 'planted', { flag: 'wx' });
  } catch (error) {
    // Two of them at one place: the first stands.
    if (!(error instanceof Error && 'code' in error)) throw error;
  }
}

/** The first folder that the restore has made or entered goes elsewhere, and a link to the canary takes its place. */
function swapFolder(count: number): void {
  const names = readdirSync(bench.target, { encoding: 'buffer' });
  for (const one of names) {
    const path = Buffer.concat([Buffer.from(`${bench.target}/`), one]);
    if (!lstatSync(path).isDirectory()) continue;
    renameSync(path, `${bench.target}/moved-${count}`);
    symlinkSync(bench.at('canary'), path);
    return;
  }
}

function countNames(tree: PlainFolder): number {
  return [...(tree as ReadonlyMap<string, Plain>).values()].reduce(
    (sum, plain) => sum + 1 + ('entries' in plain ? countNames(plain.entries) : 0),
    0,
  );
}

it('touches nothing outside of the target, with 10,000 names', { timeout: 240_000 }, async () => {
  const before = describeCanary();
  let names = 0;
  let restored = 0;
  await fc.assert(
    fc.asyncProperty(scene, async ({ tree, planted: plants, overwrite, deletes, swaps }) => {
      for (const each of plants) plant(each);
      let entries = 0;
      bench.onEntry = () => {
        if (swaps.includes(entries++)) swapFolder(entries);
      };
      const stored = new StoredSnapshot(withCanary(tree));
      const order = { deletes, verify: true, ...(overwrite === undefined ? {} : { overwrite }) };
      const summary = await bench.restore(stored, order).catch((error: unknown) => error);
      if (summary instanceof Error) expect(summary).toMatchObject({ code: 'target_not_empty' });
      else {
        names += countNames(tree);
        restored += (summary as { files: number }).files;
      }
      expect(describeCanary()).toEqual(before);
      expect(readdirSync(bench.folder.path).sort()).toEqual(['canary', 'home', 'target'].filter(isThere));
      rmSync(bench.target, { recursive: true, force: true });
    }),
    { seed: SEED, numRuns: 400 },
  );
  expect(names).toBeGreaterThan(NAMES_MIN);
  expect(restored).toBeGreaterThan(1_000);
  chmodSync(bench.at('canary'), 0o755);
});

function isThere(path: string): boolean {
  return path !== 'target' || lstatSync(bench.target, { throwIfNoEntry: false }) !== undefined;
}

function withCanary(tree: PlainFolder): PlainFolder {
  return new Map(
    [...(tree as ReadonlyMap<string, Plain>)].map(([key, plain]): [string, Plain] => {
      if ('entries' in plain) return [key, { ...plain, entries: withCanary(plain.entries) }];
      if (!('linkTarget' in plain)) return [key, plain];
      return [key, { ...plain, linkTarget: plain.linkTarget.replace('CANARY', bench.at('canary')) }];
    }),
  );
}
