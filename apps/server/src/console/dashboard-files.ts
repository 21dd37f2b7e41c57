// The files of the console as the build has made them: read once, kept in memory, found by their whole names only.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Which file of the build an application begins with; every name changes with its content. */
interface Manifest {
  readonly people: string;
  readonly operator: string;
  readonly style: string;
  readonly files: readonly string[];
}

export type ConsoleApplication = 'people' | 'operator';

export interface DashboardFile {
  readonly type: string;
  readonly content: Buffer;
}

const TYPES: ReadonlyMap<string, string> = new Map([
  ['.js', 'text/javascript; charset=utf-8'],
  ['.css', 'text/css; charset=utf-8'],
]);

let read: { readonly manifest: Manifest; readonly files: ReadonlyMap<string, DashboardFile> } | null = null;

/** undefined for whatever the build has not made */
export function dashboardFile(name: string): DashboardFile | undefined {
  return readBuild().files.get(name);
}

export function dashboardManifest(): Manifest {
  return readBuild().manifest;
}

/** `npm run build` makes them; a broker whose console was not built is a broken installation. */
function readBuild(): NonNullable<typeof read> {
  if (read !== null) return read;
  const path = createRequire(import.meta.url).resolve('#dashboard/manifest.json');
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as Manifest;
  const files = manifest.files.map((name): [string, DashboardFile] => {
    const type = TYPES.get(name.slice(name.lastIndexOf('.'))) ?? 'application/octet-stream';
    return [name, { type, content: readFileSync(join(dirname(path), name)) }];
  });
  read = { manifest, files: new Map(files) };
  return read;
}
