// The sets of data that the bench backs up, and how two in a hundred parts of each change between two backups.
import { execFileSync } from 'node:child_process';
import { closeSync, lstatSync, mkdirSync, openSync, readdirSync, utimesSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { bytesBelow } from './bytes-below.js';
import { makeRandomFile, makeTextFiles, RANDOM_FILE_NAME, randomBytesOf } from './make-source.js';
import type { SetName } from './settings.js';

const RANDOM_BYTES = 1024 ** 3;
const SMALL_FILES = { files: 20_000, folders: 200, bytesMin: 1024, bytesMax: 8 * 1024 };
const CHANGED_SHARE = 0.02;
/** The random file changes in pieces of this size, spread evenly. */
const CHANGED_PIECE_BYTES = 1024 ** 2;

export interface SourceSet {
  readonly title: string;
  /** Makes the data in a folder that is not there yet, and returns its bytes. */
  readonly make: (folder: string) => number;
  /** Changes a fiftieth of it, differently for each seed, and leaves names and sizes as they are. */
  readonly change: (folder: string, seed: number) => void;
  /**
   * Whether copies stay until the last round. ext4 makes new files several times slower for a while after many were
   * removed, and whoever comes next would pay for it.
   */
  readonly keepsCopies: boolean;
}

export function sourceSet(name: SetName, shareFolder: string): SourceSet {
  switch (name) {
    case 'random':
      return {
        title: 'one file of 1 GiB, random',
        make: (folder) => makeRandomFile(folder, RANDOM_BYTES),
        change: changeRandomFile,
        keepsCopies: false,
      };
    case 'small':
      return {
        title: '20,000 files of 1 to 8 KiB in 200 folders, text',
        make: (folder) => makeTextFiles(folder, SMALL_FILES),
        change: changeFiles,
        keepsCopies: true,
      };
    case 'share':
      return {
        title: `a copy of ${shareFolder}`,
        make: (folder) => copyFolder(shareFolder, folder),
        change: changeFiles,
        keepsCopies: true,
      };
  }
}

/** The files below a folder; links and special files do not count. */
export function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}

function copyFolder(from: string, to: string): number {
  mkdirSync(to);
  execFileSync('cp', ['-a', `${from}/.`, to]);
  return bytesBelow(to);
}

function changeRandomFile(folder: string, seed: number): void {
  const path = join(folder, RANDOM_FILE_NAME);
  const { size } = lstatSync(path);
  const pieces = Math.round((size * CHANGED_SHARE) / CHANGED_PIECE_BYTES);
  const descriptor = openSync(path, 'r+');
  for (let i = 0; i < pieces; i++) {
    const position = Math.floor((i * size) / pieces);
    writeSync(descriptor, randomBytesOf(seed * pieces + i + 1, CHANGED_PIECE_BYTES), 0, CHANGED_PIECE_BYTES, position);
  }
  closeSync(descriptor);
}

/** One file in fifty is written anew; each time others. */
function changeFiles(folder: string, seed: number): void {
  const every = Math.round(1 / CHANGED_SHARE);
  for (const [i, path] of filesBelow(folder).sort().entries()) {
    if (i % every !== seed % every) continue;
    const { size } = lstatSync(path);
    if (size === 0) utimesSync(path, new Date(), new Date());
    else
      writeFileSync(
        path,
        randomBytesOf(seed * 1e6 + i, size)
          .toString('latin1')
          .slice(0, size),
        'latin1',
      );
  }
}
