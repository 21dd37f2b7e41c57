// Puts the console's pages into a few files that the broker serves, and the scripts of the agent's pages into theirs: all
// named by their content.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { rolldown } from 'rolldown';

const SOURCE = new URL('../apps/dashboard/src/', import.meta.url).pathname;
const BUILT = new URL('../dist/apps/dashboard/', import.meta.url).pathname;

// The sources are bundled as they are: `npm run lint` has checked their types, which no browser asks for.
async function bundle(input, { folder, cleanDir }) {
  const made = await rolldown({
    input,
    platform: 'browser',
    tsconfig: new URL('../apps/dashboard/tsconfig.json', import.meta.url).pathname,
    onLog: (level, log) => {
      if (level === 'warn') throw new Error(log.message);
    },
  });
  const { output } = await made.write({
    dir: folder,
    format: 'es',
    entryFileNames: '[name]-[hash].js',
    chunkFileNames: 'shared-[hash].js',
    minify: true,
    cleanDir,
  });
  await made.close();
  const entryOf = (name) =>
    output.find((chunk) => chunk.type === 'chunk' && chunk.isEntry && chunk.name === name).fileName;
  return { entryOf, files: output.map(({ fileName }) => fileName) };
}

const styleFile = (name, style) => {
  const fileName = `${name}-${createHash('sha256').update(style).digest('hex').slice(0, 12)}.css`;
  writeFileSync(join(BUILT, fileName), style);
  return fileName;
};

const pages = await bundle(
  { people: join(SOURCE, 'people.tsx'), operator: join(SOURCE, 'operator.tsx') },
  { folder: BUILT, cleanDir: true },
);
// Apart from the console's: a peer's pages need no more than they use.
const visits = await bundle(
  { 'visit-share': join(SOURCE, 'visits/share.ts'), 'visit-owner': join(SOURCE, 'visits/owner.ts') },
  { folder: BUILT, cleanDir: false },
);

const sheets = [
  createRequire(import.meta.url).resolve('uplot/dist/uPlot.min.css'),
  ...readdirSync(join(SOURCE, 'styles'))
    .filter((name) => name.endsWith('.css'))
    .sort()
    .map((name) => join(SOURCE, 'styles', name)),
];
const style = sheets.map((path) => readFileSync(path, 'utf8')).join('\n');
const consoleStyle = styleFile('style', style);
const visitsStyle = styleFile('visits', readFileSync(join(SOURCE, 'visits/visits.css'), 'utf8'));

const manifest = {
  people: pages.entryOf('people'),
  operator: pages.entryOf('operator'),
  style: consoleStyle,
  files: [...pages.files, consoleStyle],
  visits: {
    share: visits.entryOf('visit-share'),
    owner: visits.entryOf('visit-owner'),
    style: visitsStyle,
    files: [...visits.files, visitsStyle],
  },
};
writeFileSync(join(BUILT, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
