// How many bytes the files of a folder hold.
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export function bytesBelow(folder: string): number {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile());
  return entries.reduce((sum, { parentPath, name }) => sum + lstatSync(join(parentPath, name)).size, 0);
}
