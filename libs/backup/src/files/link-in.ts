// Gives a restored file one more name under the target.
import { closeSync, constants, fsyncSync, linkSync, openSync, unlinkSync } from 'node:fs';
import { ProtocolError } from '#protocol';
import { nameBeside } from './name-beside.js';
import { onDisk, onNaming } from './restore-failure.js';
import { type MakeRoom, takePlace } from './take-place.js';
import type { TargetDirectories, TargetDirectory } from './target-directories.js';
import { inspectIn } from './target-removal.js';

/** A place in the target: one name in a directory. */
export interface TargetPlace {
  readonly parent: TargetDirectory;
  readonly name: Buffer;
}

/**
 * identity   of the file that is meant
 * to         its name has been judged
 * makeRoom   what goes for it when something is there: not before the file's bytes are on the disk
 * throws     name_taken | name_hostile | local_disk, also when somebody replaced the file, and what makeRoom throws
 */
export function linkIn(
  directories: TargetDirectories,
  from: TargetPlace & { readonly identity: string },
  { parent, name }: TargetPlace,
  makeRoom: MakeRoom | null,
): void {
  const diskName = makeRoom === null ? name : nameBeside();
  onNaming(() => directories.withBoth(from, { parent, name: diskName }, (fromPath, path) => linkSync(fromPath, path)));
  const stats = inspectIn(directories, parent, diskName);
  if (stats === null || `${stats.dev}.${stats.ino}` !== from.identity) {
    onDisk(() => unlinkSync(directories.pathIn(parent, diskName)));
    throw new ProtocolError('local_disk', { reason: 'somebody replaced a restored file' });
  }
  if (makeRoom === null) return;
  takePlace(directories, { parent, name, diskName }, () => {
    flush(directories, { parent, name: diskName });
    makeRoom();
  });
}

function flush(directories: TargetDirectories, { parent, name }: TargetPlace): void {
  const descriptor = onDisk(() => openSync(directories.pathIn(parent, name), READ_FLAGS));
  try {
    onDisk(() => fsyncSync(descriptor));
  } finally {
    closeSync(descriptor);
  }
}

/** O_NONBLOCK: a FIFO put in the place of the file must not hang the run. */
const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
