// Puts the console's pages into a few files that the broker serves: scripts and one style sheet, named by their content.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { rolldown } from 'rolldown';

const SOURCE = new URL('../apps/dashboard/src/', import.meta.url).pathname;
const BUILT = new URL('../dist/apps/dashboard/', import.meta.url).pathname;

// The sources are bundled as they are: `npm run lint` has checked their types, which no browser asks for.
const bundle = await rolldown({
  input: { people: join(SOURCE, 'people.tsx'), operator: join(SOURCE, 'operator.tsx') },
  platform: 'browser',
  tsconfig: new URL('../apps/dashboard/tsconfig.json', import.meta.url).pathname,
  onLog: (level, log) => {
    if (level === 'warn') throw new Error(log.message);
  },
});
const { output } = await bundle.write({
  dir: BUILT,
  format: 'es',
  entryFileNames: '[name]-[hash].js',
  chunkFileNames: 'shared-[hash].js',
  minify: true,
  cleanDir: true,
});
await bundle.close();

const sheets = [
  createRequire(import.meta.url).resolve('uplot/dist/uPlot.min.css'),
  ...readdirSync(join(SOURCE, 'styles'))
    .filter((name) => name.endsWith('.css'))
    .sort()
    .map((name) => join(SOURCE, 'styles', name)),
];
const style = sheets.map((path) => readFileSync(path, 'utf8')).join('\n');
const styleName = `style-${createHash('sha256').update(style).digest('hex').slice(0, 12)}.css`;
writeFileSync(join(BUILT, styleName), style);

const entryOf = (name) =>
  output.find((chunk) => chunk.type === 'chunk' && chunk.isEntry && chunk.name === name).fileName;
const manifest = {
  people: entryOf('people'),
  operator: entryOf('operator'),
  style: styleName,
  files: [...output.map(({ fileName }) => fileName), styleName],
};
writeFileSync(join(BUILT, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
