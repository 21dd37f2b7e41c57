// Puts what the `peerkeep` command loads into a few files: Node takes 0.7 s of processor time to find, read and link the
// modules that they are made of, and a short command takes less than that for its work.
import { rolldown } from 'rolldown';

const BUILT = new URL('../dist/apps/backup-client/', import.meta.url);
/** Native add-ons find their binaries from where they lie; whoever loads one of these loads it as it is installed. */
const NOT_BUNDLED = [/^node:/, /^(koffi|sqlite3|typeorm|zstd-napi)(\/|$)/];

// What the compiler has written is bundled, not the sources: the types are checked, and classes are as tsconfig.json says.
const bundle = await rolldown({
  input: new URL('src/main.js', BUILT).pathname,
  platform: 'node',
  external: NOT_BUNDLED,
  // An import that cannot be resolved would be left for Node to fail at.
  onLog: (level, log) => {
    if (level === 'warn') throw new Error(log.message);
  },
});
await bundle.write({
  dir: new URL('bundle', BUILT).pathname,
  entryFileNames: 'main.js',
  chunkFileNames: '[name].js',
  sourcemap: true,
  cleanDir: true,
});
await bundle.close();
