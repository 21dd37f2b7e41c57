/**
 * Writes a restore under its target and nowhere else, whatever the tree says.
 *
 * Every entry is named by a directory that this restore made or entered, and one name below it, so a path never runs
 * through something that the tree or anybody else brought along. Nothing is ever opened through a link. What is there
 * is refused (`name_taken`) unless the caller looked at it first (`inspect`) and says that it goes (`makeRoom`): then a
 * new entry is made beside it, and takes its place in one step when it is whole. No file that was there is written to.
 *
 * Files start with mode 0600 and directories with 0700; a file gets its owner, attributes, mode and time when its last
 * byte is there, a directory when all is there, from the bottom up. Until then nobody else can enter.
 *
 * The order of calls: inspect, makeDirectory, enterDirectory, makeSymlink, makeSpecial, openFile as the tree is read;
 * writeAt in any order; finishFile or abandonFile; finish at the end. A refusal concerns one entry (and what would be
 * below it); the rest goes on.
 */
import { strict as assert } from 'node:assert';
import {
  type BigIntStats,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  openSync,
  symlinkSync,
} from 'node:fs';
import { isRefusal, ProtocolError } from '#protocol';
import {
  type DescribedAspect,
  type DescribeProblem,
  DIRECTORY_MODE_WITHOUT_OWNER,
  EntryDescriber,
  FILE_MODE_WITHOUT_OWNER,
  type RestoredMetadata,
} from './describe-entry.js';
import { RESTORE_DEPTH_MAX, RESTORE_DIRECTORIES_MAX } from './file-limits.js';
import { checkedName } from './hostile-names.js';
import { libc } from './libc.js';
import { linkIn, type TargetPlace } from './link-in.js';
import { nameBeside } from './name-beside.js';
import { onDisk, onNaming } from './restore-failure.js';
import { type MakeRoom, takePlace } from './take-place.js';
import { pathForPeople, TargetDirectories, type TargetDirectory } from './target-directories.js';
import { type RestoredFile, TargetFiles } from './target-files.js';
import { inspectIn, type Removal, removeChosen, removeOne } from './target-removal.js';

export type { RestoredMetadata, TargetPlace };

/**
 * An entry is there with its bytes, but something about it could not be set; `folder` when somebody else moved the
 * directory away or replaced it, so that it was left alone. `path` is relative, for people.
 */
export interface RestoreProblem {
  readonly path: string;
  readonly what: DescribedAspect | 'folder';
  readonly errno: string;
  readonly attribute?: string;
}

/**
 * targetPath       made when missing (mode 0700), else it must be empty unless `mayHoldEntries`
 * restoreOwner     set uid and gid; true for root by default. Without it set-user-id and set-group-id bits are dropped:
 *                  they would lend this user's rights.
 * syncFiles        everything is on the disk when `finish` returns
 * wholeOnly        write new files, too, beside their names, which they get when they are whole
 * syncAtRename     and on the disk: where the next run would keep what it finds, after a power cut, too
 * sparse           leave holes where new files have blocks of zeros
 * onProblem        called for what could not be set
 */
export interface RestoreOptions {
  readonly targetPath: string;
  readonly mayHoldEntries?: boolean;
  readonly restoreOwner?: boolean;
  readonly syncFiles?: boolean;
  readonly wholeOnly?: boolean;
  readonly syncAtRename?: boolean;
  readonly sparse?: boolean;
  readonly onProblem: (problem: RestoreProblem) => void;
}

/** A FIFO, or a device with its number. */
export interface RestoredNode extends RestoredMetadata {
  readonly type: 'fifo' | 'chardev' | 'blockdev';
  readonly device?: { readonly major: number; readonly minor: number } | undefined;
}

export class RestoreWriter {
  private readonly directories: TargetDirectories;
  private readonly described: { directory: TargetDirectory; metadata: RestoredMetadata }[] = [];
  private readonly files: TargetFiles;
  private readonly describer: EntryDescriber;
  /** Where one flush of the whole file system is not to be had, each file and directory gets its own. */
  private readonly syncEach: boolean;

  /** throws target_not_empty | local_disk */
  constructor(private readonly options: RestoreOptions) {
    this.describer = new EntryDescriber(options.restoreOwner ?? process.geteuid?.() === 0);
    this.directories = new TargetDirectories(options.targetPath, undefined, options.mayHoldEntries);
    this.syncEach = options.syncFiles === true && libc().missing !== null;
    const { syncAtRename = false, sparse = false } = options;
    this.files = new TargetFiles(this.directories, { syncEach: this.syncEach, syncAtRename, sparse });
  }

  /** The target itself. It keeps its own owner, mode and time. */
  get root(): TargetDirectory {
    return this.directories.root;
  }

  /** Whether owners are set. */
  get restoresOwner(): boolean {
    return this.describer.restoreOwner;
  }

  /** What lies at a name, itself and not what it leads to; null when nothing does. throws name_hostile | local_disk */
  inspect(parent: TargetDirectory, name: Uint8Array): BigIntStats | null {
    return inspectIn(this.directories, parent, checkedName(name));
  }

  /** throws name_hostile | name_taken | local_disk */
  makeDirectory(parent: TargetDirectory, name: Uint8Array, metadata: RestoredMetadata): TargetDirectory {
    const checked = this.checkDepth(parent, name);
    const directory = onNaming(() => this.directories.make(parent, checked));
    this.described.push({ directory, metadata });
    return directory;
  }

  /**
   * Enter a directory that is there. With metadata it is described at the end, and opened for this user until then.
   *
   * throws   name_hostile | local_disk
   */
  enterDirectory(parent: TargetDirectory, name: Uint8Array, metadata: RestoredMetadata | null): TargetDirectory {
    const checked = this.checkDepth(parent, name);
    const directory = onDisk(() => this.directories.enterExisting(parent, checked));
    if (metadata === null) return directory;
    onDisk(() => {
      const descriptor = this.directories.descriptorOf(directory);
      const { mode, uid } = fstatSync(descriptor);
      if ((mode & 0o700) !== 0o700 && uid === process.geteuid?.()) fchmodSync(descriptor, (mode & 0o7777) | 0o700);
    });
    this.described.push({ directory, metadata });
    return directory;
  }

  /**
   * Make a link with any target, also one outside: nothing here ever follows it.
   *
   * makeRoom   what goes for it, when something is there
   * throws     as makeDirectory does, and what makeRoom throws
   */
  makeSymlink(
    parent: TargetDirectory,
    name: Uint8Array,
    linkTarget: Uint8Array,
    metadata: RestoredMetadata,
    makeRoom: MakeRoom | null = null,
  ): void {
    const checked = checkedName(name);
    if (linkTarget.length === 0 || linkTarget.includes(0)) {
      throw new ProtocolError('name_hostile', { reason: 'link_target' });
    }
    this.makeAndDescribe({ parent, name: checked }, makeRoom, (path) => {
      symlinkSync(Buffer.from(linkTarget), path);
      return (place) => this.describer.describeLink(path, metadata, this.tellOf(place));
    });
  }

  /** Make a FIFO or, as root, a device. makeRoom and throws as in makeSymlink */
  makeSpecial(parent: TargetDirectory, name: Uint8Array, node: RestoredNode, makeRoom: MakeRoom | null = null): void {
    this.makeAndDescribe({ parent, name: checkedName(name) }, makeRoom, (path) => {
      if (node.type === 'fifo') libc().mkfifo(path, 0o600);
      else libc().mknod(path, node.type, 0o600, node.device);
      return (place) => this.describer.describeNode(path, node, this.tellOf(place));
    });
  }

  /**
   * Give a finished file one more name.
   *
   * identity   of the file, as finishFile told it
   * makeRoom   as in makeSymlink: then the file's bytes are on the disk first
   * throws     name_hostile | name_taken | local_disk, also when somebody replaced the file, and what makeRoom throws
   */
  linkFile(from: TargetPlace & { readonly identity: string }, to: TargetPlace, makeRoom: MakeRoom | null): void {
    linkIn(this.directories, from, { parent: to.parent, name: checkedName(to.name) }, makeRoom);
  }

  /**
   * Begin a file, empty for the moment.
   *
   * sizeBytes   what it will have; parts that are never written read as zeros
   * makeRoom    as in makeSymlink, when it is finished
   * throws      name_hostile | name_taken | local_disk
   */
  openFile(
    parent: TargetDirectory,
    name: Uint8Array,
    sizeBytes: number,
    makeRoom: MakeRoom | null = null,
  ): RestoredFile {
    const checked = checkedName(name);
    return makeRoom !== null || this.options.wholeOnly === true
      ? this.files.createBeside(parent, checked, sizeBytes, makeRoom)
      : this.files.create(parent, checked, sizeBytes);
  }

  /** Begin an empty file with the bytes of an open one, if the disk can share them. throws local_disk */
  shareBytes(file: RestoredFile, from: number): boolean {
    return this.files.shareBytes(file, from);
  }

  /**
   * Use a file that is there by its descriptor, for reading.
   *
   * identity   of the file that is meant
   * throws     name_hostile | local_disk, also when it is another file, and what `use` throws
   */
  async readFile<T>(place: TargetPlace, identity: string, use: (descriptor: number) => Promise<T> | T): Promise<T> {
    const path = this.directories.pathIn(place.parent, checkedName(place.name));
    const descriptor = onDisk(() => openSync(path, READ_FLAGS));
    try {
      const { dev, ino } = fstatSync(descriptor, { bigint: true });
      if (`${dev}.${ino}` !== identity) throw new ProtocolError('local_disk', { reason: 'somebody replaced a file' });
      return await use(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }

  /** Describe a file that is there with all its bytes. throws as readFile does */
  async describeFile(place: TargetPlace, identity: string, metadata: RestoredMetadata): Promise<void> {
    await this.readFile(place, identity, (descriptor) =>
      this.describer.describeOpen(descriptor, metadata, FILE_MODE_WITHOUT_OWNER, this.tellOf(place)),
    );
  }

  /**
   * Write bytes at an offset. Calls may overlap, for one file too.
   *
   * throws   snapshot_damaged beyond the size of the file | local_disk
   */
  async writeAt(file: RestoredFile, bytes: Uint8Array, offset: number): Promise<void> {
    await this.files.writeAt(file, bytes, offset);
  }

  /** Give a file its size, owner, mode, time and place. No write may be under way. Returns its identity. throws as openFile */
  finishFile(file: RestoredFile, metadata: RestoredMetadata): string {
    return this.files.finish(file, (descriptor) =>
      this.describer.describeOpen(descriptor, metadata, FILE_MODE_WITHOUT_OWNER, this.tellOf(file)),
    );
  }

  /** Remove a file whose bytes cannot all be had; what it would have replaced stays. No write may be under way. throws local_disk */
  abandonFile(file: RestoredFile): void {
    this.files.abandon(file);
  }

  /** Remove what stands at a name, and is no directory or an empty one. throws name_hostile | local_disk */
  remove(parent: TargetDirectory, name: Uint8Array, isDirectory: boolean): void {
    removeOne(this.directories, parent, checkedName(name), isDirectory);
  }

  /** Remove one entry with what is below it, as far as it is chosen. Returns whether it is gone. throws local_disk */
  removeChosen(parent: TargetDirectory, name: Uint8Array, removal: Removal): boolean {
    return removeChosen(this.directories, parent, checkedName(name), removal);
  }

  /** The names in a directory that no unfinished file uses for itself. throws local_disk */
  namesIn(directory: TargetDirectory): Buffer[] {
    const names = this.directories.namesIn(directory);
    return names.filter((name) => !this.files.isBeside(directory, name));
  }

  /** Describe the directories, from the bottom up, bring all to the disk, and close. No file is open. throws local_disk */
  finish(): void {
    assert.equal(this.files.count, 0);
    const tops = new Map<string, TargetDirectory>();
    for (const { directory } of [{ directory: this.root }, ...this.described]) {
      if (!tops.has(deviceOf(directory))) tops.set(deviceOf(directory), directory);
    }
    for (const { directory, metadata } of this.described.reverse()) {
      const descriptor = this.enterAgain(directory);
      if (descriptor === null) continue;
      this.describer.describeOpen(descriptor, metadata, DIRECTORY_MODE_WITHOUT_OWNER, this.tellOf(directory));
      this.sync(descriptor, tops.get(deviceOf(directory)) === directory);
      this.directories.release(directory);
    }
    this.sync(this.directories.descriptorOf(this.root), true);
    this.close();
  }

  /** Close all descriptors, after `finish` failed or instead of it. Unfinished files stay, with mode 0600. */
  close(): void {
    this.files.close();
    this.directories.close();
  }

  /** isTop   whether it is the last one of its file system to be described */
  private sync(descriptor: number, isTop: boolean): void {
    onDisk(() => {
      if (this.syncEach) fsyncSync(descriptor);
      else if (isTop && this.options.syncFiles === true) libc().syncFileSystem(descriptor);
    });
  }

  private checkDepth(parent: TargetDirectory, name: Uint8Array): Buffer {
    if (parent.depth >= RESTORE_DEPTH_MAX) throw new ProtocolError('name_hostile', { reason: 'too_deep' });
    if (this.described.length >= RESTORE_DIRECTORIES_MAX) {
      throw new ProtocolError('snapshot_damaged', { reason: 'too many folders' });
    }
    return checkedName(name);
  }

  /** `make` makes the entry at a path that is free, and returns what describes it there. */
  private makeAndDescribe(
    { parent, name }: TargetPlace,
    makeRoom: MakeRoom | null,
    make: (path: Buffer) => (place: TargetPlace) => void,
  ): void {
    const diskName = makeRoom === null ? name : nameBeside();
    const path = this.directories.pathIn(parent, diskName);
    const describe = onNaming(() => make(path));
    onDisk(() => describe({ parent, name }));
    if (makeRoom !== null) takePlace(this.directories, { parent, name, diskName }, makeRoom);
  }

  private enterAgain(directory: TargetDirectory): number | null {
    try {
      return this.directories.descriptorOf(directory);
    } catch (error) {
      if (!isRefusal(error, 'local_disk')) throw error;
      const errno = String(error.facts.errno ?? '');
      this.options.onProblem({ path: pathForPeople(directory), what: 'folder', errno });
      return null;
    }
  }

  private tellOf(place: { readonly parent: TargetDirectory | null; readonly name: Buffer }) {
    return (problem: DescribeProblem): void => this.options.onProblem({ path: pathForPeople(place), ...problem });
  }
}

/** O_NONBLOCK: a FIFO put in the place of the file must not hang the run. */
const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

function deviceOf(directory: TargetDirectory): string {
  return directory.identity.slice(0, directory.identity.indexOf('.'));
}
