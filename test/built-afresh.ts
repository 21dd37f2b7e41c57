// Whether dist/ is as new as the sources that it is built from: `npm test` builds first, one spec file by itself does not.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Program, scriptOf } from '../scripts/demo/built-commands.js';

const SOURCE_FOLDERS = ['apps', 'libs', 'migrations', 'scripts'];

let checked = false;

/** As scriptOf; throws when the built commands are not what the sources say: a test of them would test something else. */
export function freshScriptOf(program: Program): string {
  assertBuiltAfresh();
  return scriptOf(program);
}

export function assertBuiltAfresh(): void {
  if (checked) return;
  const source = sourceNewerThan(scriptOf('peerkeep'), { root: join(import.meta.dirname, '..') });
  if (source !== null) throw new Error(`dist is older than the sources (${source}): run npm run build`);
  checked = true;
}

/**
 * built    a file of dist. Every build changes its mode as the last thing (scripts/mark-bins.js), and so its time of
 *          change, even where the compiler finds nothing to write
 * returns  a source that was written after that; null when there is none. Any source, where nothing is built
 */
export function sourceNewerThan(built: string, { root }: { root: string }): string | null {
  const builtMs = statSync(built, { throwIfNoEntry: false })?.ctimeMs ?? 0;
  for (const folder of SOURCE_FOLDERS) {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true, recursive: true })) {
      if (!entry.isFile() || !/\.tsx?$/.test(entry.name) || entry.name.endsWith('spec.ts')) continue;
      const file = join(entry.parentPath, entry.name);
      if (statSync(file).mtimeMs > builtMs) return file.slice(root.length + 1);
    }
  }
  return null;
}
