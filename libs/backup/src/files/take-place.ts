// Lets an entry that was made beside a name take that name in one step, when it is whole.
import { lstatSync, renameSync, unlinkSync } from 'node:fs';
import { ProtocolError } from '#protocol';
import { onDisk } from './restore-failure.js';
import type { TargetDirectories, TargetDirectory } from './target-directories.js';

/**
 * What has to go before a new entry takes its place, called when the entry is whole: nothing where a rename replaces it,
 * a folder otherwise. throws local_disk when it cannot go: then the new entry goes instead.
 */
export type MakeRoom = () => void;

/** A rename replaces what is no directory. */
export const REPLACED_BY_RENAME: MakeRoom = () => undefined;

/**
 * diskName   the name beside. After a failure it is gone, and what stands at `name` stays
 * makeRoom   null when nothing may stand at `name`
 * throws     name_taken | local_disk, and what makeRoom throws
 */
export function takePlace(
  directories: TargetDirectories,
  place: { readonly parent: TargetDirectory; readonly name: Buffer; readonly diskName: Buffer },
  makeRoom: MakeRoom | null,
): void {
  const { parent, name, diskName } = place;
  try {
    if (makeRoom !== null) makeRoom();
    else if (isTaken(directories, parent, name)) throw new ProtocolError('name_taken');
    // Both names are below one descriptor, which making room may have closed: the paths are asked for behind it.
    onDisk(() => renameSync(directories.pathIn(parent, diskName), directories.pathIn(parent, name)));
  } catch (error) {
    onDisk(() => unlinkSync(directories.pathIn(parent, diskName)));
    throw error;
  }
}

function isTaken(directories: TargetDirectories, parent: TargetDirectory, name: Buffer): boolean {
  const path = directories.pathIn(parent, name);
  return onDisk(() => lstatSync(path, { throwIfNoEntry: false })) !== undefined;
}
