/**
 * The directories that a restore made or found under its target, and the only way to a path below them.
 *
 * A directory is known by its device and inode from the moment it was made or first entered. It is entered by
 * descriptor, from the target down, one name at a time, never through a symbolic link, and it must still be the very
 * directory that it was. On Linux the calls then go to /proc/self/fd/<descriptor>/<name>, which is what openat does: nothing that others
 * rename meanwhile can lead out of the target, and no path is too long. Elsewhere the checked path itself is used.
 */
import { closeSync, constants, existsSync, fstatSync, mkdirSync, opendirSync, openSync } from 'node:fs';
import { ProtocolError } from '#protocol';
import { DIRECTORY_NAMES_MAX, DIRECTORY_READ_BATCH, RESTORE_OPEN_DIRECTORIES_MAX } from './file-limits.js';
import { onDisk } from './restore-failure.js';

/** A directory under the target, or the target itself. Built in this file only, so holding one proves that it is inside. */
class TargetDirectory {
  declare private readonly made: true;

  constructor(
    readonly parent: TargetDirectory | null,
    readonly name: Buffer,
    readonly identity: string,
    readonly depth: number,
  ) {}
}

export type { TargetDirectory };

const DESCRIPTOR_PATHS = '/proc/self/fd';
const ENTER_FLAGS = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0);
const ENTER_CHILD_FLAGS = ENTER_FLAGS | (constants.O_NOFOLLOW ?? 0);
const SLASH = Buffer.from('/');

export class TargetDirectories {
  readonly root: TargetDirectory;
  /** Open descriptors, least recently used first. */
  private readonly descriptors = new Map<TargetDirectory, number>();
  private readonly rootDescriptor: number;
  private isOpen = true;

  /**
   * Enter the target, which is made when it is missing.
   *
   * useDescriptorPaths   whether /proc/self/fd leads into directories here
   * mayHoldEntries       whether it may hold anything already
   * throws               target_not_empty | local_disk
   */
  constructor(
    private readonly targetPath: string,
    private readonly useDescriptorPaths: boolean = existsSync(DESCRIPTOR_PATHS),
    mayHoldEntries = false,
  ) {
    onDisk(() => mkdirSync(targetPath, { recursive: true, mode: 0o700 }));
    if (!mayHoldEntries && !onDisk(() => isEmpty(targetPath))) throw new ProtocolError('target_not_empty');
    // The person named the target: a symbolic link here is followed, once.
    this.rootDescriptor = onDisk(() => openSync(targetPath, ENTER_FLAGS));
    this.root = new TargetDirectory(null, Buffer.alloc(0), identityOf(this.rootDescriptor), 0);
  }

  /** Make a directory that only this user may enter. The name has been judged. throws the file-system error */
  make(parent: TargetDirectory, name: Buffer): TargetDirectory {
    mkdirSync(this.pathIn(parent, name), { mode: 0o700 });
    return this.enterExisting(parent, name);
  }

  /** Enter a directory that is there, never through a link. throws the file-system error */
  enterExisting(parent: TargetDirectory, name: Buffer): TargetDirectory {
    const descriptor = openSync(this.pathIn(parent, name), ENTER_CHILD_FLAGS);
    const directory = new TargetDirectory(parent, name, identityOf(descriptor), parent.depth + 1);
    this.keep(directory, descriptor);
    return directory;
  }

  /** The names in a directory, at most DIRECTORY_NAMES_MAX. throws local_disk */
  namesIn(directory: TargetDirectory): Buffer[] {
    const path = this.pathIn(directory, Buffer.from('.'));
    return onDisk(() => {
      const reader = opendirSync(path, { encoding: 'buffer' as BufferEncoding, bufferSize: DIRECTORY_READ_BATCH });
      try {
        const names: Buffer[] = [];
        for (let entry = reader.readSync(); entry !== null; entry = reader.readSync()) {
          if (names.length === DIRECTORY_NAMES_MAX) {
            throw new ProtocolError('local_disk', { reason: 'too many names in a folder' });
          }
          names.push(entry.name as unknown as Buffer);
        }
        return names;
      } finally {
        reader.closeSync();
      }
    });
  }

  /**
   * Make one call with a path in each of two directories.
   *
   * throws   local_disk when one of them is no longer what it was, and what `call` throws
   */
  withBoth<T>(
    first: { readonly parent: TargetDirectory; readonly name: Buffer },
    second: { readonly parent: TargetDirectory; readonly name: Buffer },
    call: (firstPath: Buffer, secondPath: Buffer) => T,
  ): T {
    // Entering the second may close the first: it gets a descriptor of its own.
    const inFirst = this.pathIn(first.parent, Buffer.from('.'));
    const descriptor = onDisk(() => openSync(inFirst, ENTER_FLAGS));
    try {
      const secondPath = this.pathIn(second.parent, second.name);
      return call(this.pathBelow(first.parent, descriptor, first.name), secondPath);
    } finally {
      closeSync(descriptor);
    }
  }

  /**
   * The path for one call on one entry, to be used at once: it may lead elsewhere after another call here.
   *
   * throws   local_disk when the directory is no longer the one that was made
   */
  pathIn(directory: TargetDirectory, name: Buffer): Buffer {
    return this.pathBelow(directory, this.descriptorOf(directory), name);
  }

  /** The open descriptor of a directory, to be used at once. throws as pathIn does */
  descriptorOf(directory: TargetDirectory): number {
    // A loop, not recursion: a tree may be thousands of directories deep.
    const closed: TargetDirectory[] = [];
    let nearest = directory;
    for (; nearest.parent !== null && !this.descriptors.has(nearest); nearest = nearest.parent) closed.push(nearest);
    let descriptor = this.use(nearest);
    for (const next of closed.reverse()) {
      descriptor = this.enter(next, this.pathBelow(nearest, descriptor, next.name));
      this.keep(next, descriptor);
      nearest = next;
    }
    return descriptor;
  }

  /** The number of the file system that a directory stands on. throws as pathIn does */
  deviceOf(directory: TargetDirectory): bigint {
    return fstatSync(this.descriptorOf(directory), { bigint: true }).dev;
  }

  /** Close the descriptor of a directory that is not needed for a while. */
  release(directory: TargetDirectory): void {
    const descriptor = this.descriptors.get(directory);
    if (descriptor === undefined) return;
    this.descriptors.delete(directory);
    closeSync(descriptor);
  }

  /** Closing again does nothing: the number of a closed descriptor may be somebody else's by then. */
  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    for (const directory of [...this.descriptors.keys()]) this.release(directory);
    closeSync(this.rootDescriptor);
  }

  private pathBelow(directory: TargetDirectory, descriptor: number, name: Buffer): Buffer {
    if (this.useDescriptorPaths) return Buffer.concat([Buffer.from(`${DESCRIPTOR_PATHS}/${descriptor}/`), name]);
    const steps = stepsTo(directory).flatMap((step) => [step.name, SLASH]);
    return Buffer.concat([Buffer.from(this.targetPath), SLASH, ...steps, name]);
  }

  /** The descriptor of an open directory, which becomes the most recently used one. */
  private use(directory: TargetDirectory): number {
    const descriptor = this.descriptors.get(directory);
    if (descriptor === undefined) return this.rootDescriptor;
    this.descriptors.delete(directory);
    this.descriptors.set(directory, descriptor);
    return descriptor;
  }

  private enter(directory: TargetDirectory, path: Buffer): number {
    const descriptor = onDisk(() => openSync(path, ENTER_CHILD_FLAGS));
    if (identityOf(descriptor) === directory.identity) return descriptor;
    closeSync(descriptor);
    throw new ProtocolError('local_disk', { reason: 'somebody replaced a restored folder' });
  }

  private keep(directory: TargetDirectory, descriptor: number): void {
    this.descriptors.set(directory, descriptor);
    for (const oldest of this.descriptors.keys()) {
      if (this.descriptors.size <= RESTORE_OPEN_DIRECTORIES_MAX) return;
      this.release(oldest);
    }
  }
}

/** From the target's child down to the directory; empty for the target. */
export function stepsTo(directory: TargetDirectory): TargetDirectory[] {
  const steps: TargetDirectory[] = [];
  for (let step = directory; step.parent !== null; step = step.parent) steps.push(step);
  return steps.reverse();
}

/** The path of an entry below the target, as text. */
export function pathForPeople(place: { readonly parent: TargetDirectory | null; readonly name: Buffer }): string {
  const above = place.parent === null ? [] : stepsTo(place.parent);
  return [...above, place].map((step) => step.name.toString()).join('/');
}

/** Device and inode of what is open. */
export function identityOf(descriptor: number): string {
  const stats = fstatSync(descriptor, { bigint: true });
  return `${stats.dev}.${stats.ino}`;
}

function isEmpty(path: string): boolean {
  const directory = opendirSync(path);
  try {
    return directory.readSync() === null;
  } finally {
    directory.closeSync();
  }
}
