// Rules of the house that a machine can check. Each is a ratchet: it may get stricter, never looser.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');

interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
}

const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root })
  .toString()
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(root, path)));

const sources: SourceFile[] = tracked
  .filter((path) => /\.tsx?$/.test(path))
  .map((path) => {
    const text = readFileSync(join(root, path), 'utf8');
    return { path, text, lines: text.split('\n') };
  });

const isTest = ({ path }: SourceFile): boolean =>
  path.startsWith('test/') || /[.-]spec\.ts$/.test(path) || path.includes('/testing/');
const production = sources.filter((file) => !isTest(file));

/** Which house a file stands in: `apps/server`, `libs/protocol`, `migrations`, ... */
function houseOf(path: string): string {
  const [first, second] = path.split('/');
  return first === 'apps' || first === 'libs' ? `${first}/${second}` : first!;
}

/** Houses that a house may import, itself apart. Imports point downward only. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'libs/protocol': [],
  'libs/process': ['libs/protocol'],
  'libs/database': ['libs/protocol'],
  'libs/metrics': ['libs/protocol', 'libs/process'],
  'libs/erasure': ['libs/protocol'],
  'libs/peer-home': ['libs/protocol', 'libs/process'],
  'libs/broker-api': ['libs/protocol', 'libs/process', 'libs/peer-home'],
  'libs/peer-link': ['libs/protocol', 'libs/process', 'libs/peer-home'],
  'libs/backup': [
    'libs/protocol',
    'libs/process',
    'libs/erasure',
    'libs/peer-home',
    'libs/broker-api',
    'libs/peer-link',
  ],
  'apps/server': [
    'libs/protocol',
    'libs/process',
    'libs/database',
    'libs/metrics',
    'libs/erasure',
    'libs/peer-link',
    'migrations',
  ],
  'apps/peer-agent': [
    'libs/protocol',
    'libs/process',
    'libs/database',
    'libs/metrics',
    'libs/erasure',
    'libs/peer-home',
    'libs/peer-link',
    'libs/broker-api',
    'libs/backup',
    'migrations',
  ],
  'apps/relay': [
    'libs/protocol',
    'libs/process',
    'libs/metrics',
    'libs/peer-home',
    'libs/peer-link',
    'libs/broker-api',
  ],
  'apps/backup-client': [
    'libs/protocol',
    'libs/process',
    'libs/database',
    'libs/peer-home',
    'libs/broker-api',
    'libs/backup',
  ],
  'apps/dashboard': ['libs/protocol'],
  migrations: [],
  simulate: ['libs/protocol', 'libs/erasure', 'apps/server'],
};

function importsOf({ path, text }: SourceFile): { specifier: string; house: string | null }[] {
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, specifier]) => {
    if (specifier!.startsWith('#migrations')) return { specifier: specifier!, house: 'migrations' };
    if (specifier!.startsWith('#'))
      return { specifier: specifier!, house: `libs/${specifier!.slice(1).split('/')[0]}` };
    if (specifier!.startsWith('.'))
      return { specifier: specifier!, house: houseOf(normalize(join(dirname(path), specifier!))) };
    return { specifier: specifier!, house: null };
  });
}

describe('the house', () => {
  it('imports point downward only', () => {
    const wrong: string[] = [];
    for (const file of production) {
      const own = houseOf(file.path);
      const allowed = MAY_IMPORT[own];
      if (allowed === undefined) continue;
      for (const { specifier, house } of importsOf(file)) {
        if (house !== null && house !== own && !allowed.includes(house)) wrong.push(`${file.path} -> ${specifier}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it("the simulator runs the broker's policy, and nothing of it that acts", () => {
    const pure = /\/(?:decide-[a-z-]+|place-shards|candidate-pool|audit-policy|policy)\.js$/;
    const wrong = production
      .filter(({ path }) => path.startsWith('simulate/'))
      .flatMap((file) => importsOf(file).map(({ specifier, house }) => ({ path: file.path, specifier, house })))
      .filter(({ specifier, house }) => house === 'apps/server' && !pure.test(specifier));
    expect(wrong).toEqual([]);
  });

  it('every house of production code has its rule', () => {
    const ruled = new Set([
      ...Object.keys(MAY_IMPORT),
      'bench',
      'scripts',
      'vitest.config.ts',
      'vitest.long.config.ts',
      'vitest.screenshots.config.ts',
    ]);
    expect(production.map(({ path }) => houseOf(path)).filter((house) => !ruled.has(house))).toEqual([]);
  });

  it('libs/protocol is pure: no clock, no randomness, no disk, no network, no Nest', () => {
    const impure =
      /Date\.now|performance\.now|Math\.random|randomBytes|randomFill|randomUUID|getRandomValues|setTimeout|from 'node:(?:fs|net|tls|https?|dns|child_process|timers)|@nestjs/;
    const allowed = /isIPv6/;
    const wrong = production
      .filter(({ path }) => path.startsWith('libs/protocol/src'))
      .flatMap(({ path, lines }) =>
        lines.filter((line) => impure.test(line) && !allowed.test(line)).map((line) => `${path}: ${line}`),
      );
    expect(wrong).toEqual([]);
  });

  it('deciders, placers and codecs take time and randomness as arguments', () => {
    const impure = /Date\.now|performance\.now|Math\.random|from 'node:(?:fs|net|https?)|randomBytes\(/;
    const wrong = production
      .filter(({ path }) => /(?:^|\/)(?:decide-|place-|plan-)[^/]*\.ts$|-codec\.ts$/.test(path))
      .flatMap(({ path, lines }) => lines.filter((line) => impure.test(line)).map((line) => `${path}: ${line}`));
    expect(wrong).toEqual([]);
  });

  it('one file knows the database driver, and the lock beside it', () => {
    const knowing = production.filter(({ text }) => /from 'sqlite3'/.test(text)).map(({ path }) => path);
    expect(knowing.sort()).toEqual(['libs/database/src/exclusive-use.ts', 'libs/database/src/open-database.ts']);
  });
});

describe('files', () => {
  it('say in their first line what they are for', () => {
    const silent = sources.filter(({ lines }) => {
      const first = lines[0]!.startsWith('#!') ? lines[1]! : lines[0]!;
      return !/^(?:\/\/ \S.{10,}|\/\*\*)/.test(first);
    });
    expect(silent.map(({ path }) => path)).toEqual([]);
  });

  it('hold one idea: at most 350 lines of production code', () => {
    const long = production.filter(({ path, lines }) => lines.length > 350 && !path.endsWith('.wasm.ts'));
    expect(long.map(({ path, lines }) => `${path}: ${lines.length}`)).toEqual([]);
  });
});

describe('patterns that do not enter', () => {
  const FORBIDDEN: readonly {
    readonly what: string;
    readonly pattern: RegExp;
    readonly where: readonly SourceFile[];
  }[] = [
    { what: 'an empty catch', pattern: /catch\s*(?:\([^)]*\))?\s*\{\s*\}/, where: sources },
    { what: 'any', pattern: /\bas any\b|: any\b|<any>/, where: sources },
    {
      what: 'a silenced checker',
      pattern: /@ts-(?:ignore|nocheck|expect-error)|biome-ignore|eslint-disable/,
      where: sources,
    },
    { what: 'unfinished code', pattern: /\b(?:TODO|FIXME|XXX|HACK)\b|not implemented/i, where: production },
    {
      what: 'a skipped or lonely test',
      pattern: /\b(?:it|test|describe)\.(?:skip|only|todo|fails)\b|\bskipIf\b|\brunIf\b/,
      where: sources,
    },
    { what: 'forwardRef', pattern: /forwardRef\(/, where: production },
    { what: 'console', pattern: /\bconsole\.(?:log|warn|error|info)\(/, where: production },
    {
      what: 'an error matched by its text',
      pattern: /\.message\.(?:includes|startsWith|match|endsWith)\(/,
      where: production,
    },
    {
      what: 'a GCM cipher without its tag length',
      pattern: /create(?:De|C)ipheriv\('aes-\d+-gcm'(?![^;]*authTagLength)/,
      where: production,
    },
    {
      what: 'a token or nonce decoded laxly',
      pattern: /Buffer\.from\([^()]*, 'base64url'\)/,
      where: production.filter(({ path }) => path !== 'libs/protocol/src/bytes.ts'),
    },
  ];

  it.each(FORBIDDEN.map((rule) => [rule.what, rule] as const))('%s', (_what, { pattern, where }) => {
    const own = 'test/tidy.spec.ts';
    const found = where
      .filter(({ path }) => path !== own)
      .flatMap(({ path, lines }) => lines.map((line, i) => [`${path}:${i + 1}`, line] as const))
      .filter(([, line]) => pattern.test(line.replace(/^\s*(?:\/?\*|\/\/(?! (?:@ts|biome|eslint|TODO|FIXME))).*/, '')));
    expect(found).toEqual([]);
  });

  it('a code of a refusal that nothing uses', () => {
    const isTable = ({ path }: SourceFile): boolean => path.startsWith('libs/protocol/src/errors/');
    const used = new Set(
      production.filter((file) => !isTable(file)).flatMap(({ text }) => text.match(/\b[a-z]+(?:_[a-z]+)*\b/g) ?? []),
    );
    const codes = sources.filter(isTable).flatMap(({ text }) => [...text.matchAll(/^ {2}(\w+): row\(/gm)]);
    expect(codes.length).toBeGreaterThan(100);
    expect(codes.map(([, code]) => code).filter((code) => !used.has(code!))).toEqual([]);
  });

  it('no download address stands in the lock file', () => {
    const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
    expect(lock).not.toMatch(/"resolved": "http/);
  });
});
