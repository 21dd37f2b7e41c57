// Where the built commands are, for whoever runs them as processes: from the sources and from their build alike.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type Program = 'peerkeep' | 'peerkeep-agent' | 'peerkeep-relay' | 'peerkeep-server';

/** The file that node runs for a command of package.json "bin". */
export function scriptOf(program: Program): string {
  const root = checkoutAbove(dirname(fileURLToPath(import.meta.url)));
  const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { bin: Record<Program, string> };
  return join(root, bin[program]);
}

function checkoutAbove(folder: string): string {
  if (existsSync(join(folder, 'package.json'))) return folder;
  if (dirname(folder) === folder) throw new Error('these scripts are not inside a checkout');
  return checkoutAbove(dirname(folder));
}
