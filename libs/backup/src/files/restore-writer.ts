/**
 * Writes a restore under its target and nowhere else, whatever the tree says.
 *
 * Every entry is named by the directory that this restore made and one name below it, so a path never runs through
 * something that the tree brought along. Everything is made exclusively: what exists is never opened, followed or
 * replaced, so equal names, names that only differ in case, and a link followed by a folder of the same name end in
 * `name_taken`. Files start with mode 0600 and directories with 0700; a file gets its owner, mode and time when its last
 * byte is there, a directory when all is there, from the bottom up. Until then nobody else can enter.
 *
 * The order of calls: makeDirectory, makeSymlink, openFile as the tree is read; writeAt in any order; finishFile or
 * abandonFile; finish at the end. A refusal concerns one entry (and what would be below it); the rest goes on.
 */
import { strict as assert } from 'node:assert';
import { fchmodSync, fchownSync, fsyncSync, futimesSync, lchownSync, lutimesSync, symlinkSync } from 'node:fs';
import { isRefusal, ProtocolError } from '#protocol';
import { errnoOf } from './disk-failure.js';
import { RESTORE_DEPTH_MAX, RESTORE_DIRECTORIES_MAX } from './file-limits.js';
import { utimesText } from './file-times.js';
import { hostileReason } from './hostile-names.js';
import { onDisk, onNaming } from './restore-failure.js';
import { stepsTo, TargetDirectories, type TargetDirectory } from './target-directories.js';
import { type RestoredFile, TargetFiles } from './target-files.js';

/** As in a tree entry: `mode` the twelve permission bits, `mtimeNs` since 1970. */
export interface RestoredMetadata {
  readonly mode: number;
  readonly mtimeNs: bigint;
  readonly uid: number;
  readonly gid: number;
}

/**
 * An entry is there with its bytes, but something about it could not be set; `folder` when somebody else moved the
 * directory away or replaced it, so that it was left alone. `path` is relative, for people.
 */
export interface RestoreProblem {
  readonly path: string;
  readonly what: 'owner' | 'mode' | 'time' | 'folder';
  readonly errno: string;
}

/**
 * targetPath     made when missing (mode 0700), else it must be empty
 * restoreOwner   set uid and gid; true for root by default. Without it set-user-id and set-group-id bits are dropped:
 *                they would lend this user's rights.
 * syncFiles      flush each file and directory to the disk before it counts as finished
 * onProblem      called for owner, mode or time that could not be set
 */
export interface RestoreOptions {
  readonly targetPath: string;
  readonly restoreOwner?: boolean;
  readonly syncFiles?: boolean;
  readonly onProblem: (problem: RestoreProblem) => void;
}

export class RestoreWriter {
  private readonly directories: TargetDirectories;
  private readonly made: { directory: TargetDirectory; metadata: RestoredMetadata }[] = [];
  private readonly files: TargetFiles;
  private readonly restoreOwner: boolean;

  /** throws target_not_empty | local_disk */
  constructor(private readonly options: RestoreOptions) {
    this.restoreOwner = options.restoreOwner ?? process.geteuid?.() === 0;
    this.directories = new TargetDirectories(options.targetPath);
    this.files = new TargetFiles(this.directories, options.syncFiles ?? false);
  }

  /** The target itself. It keeps its own owner, mode and time. */
  get root(): TargetDirectory {
    return this.directories.root;
  }

  /** throws name_hostile | name_taken | local_disk */
  makeDirectory(parent: TargetDirectory, name: Uint8Array, metadata: RestoredMetadata): TargetDirectory {
    if (parent.depth >= RESTORE_DEPTH_MAX) throw new ProtocolError('name_hostile', { reason: 'too_deep' });
    if (this.made.length >= RESTORE_DIRECTORIES_MAX) {
      throw new ProtocolError('snapshot_damaged', { reason: 'too many folders' });
    }
    const checked = checkName(name);
    const directory = onNaming(() => this.directories.make(parent, checked));
    this.made.push({ directory, metadata });
    return directory;
  }

  /** Make a link with any target, also one outside: nothing here ever follows it. throws as makeDirectory does */
  makeSymlink(parent: TargetDirectory, name: Uint8Array, linkTarget: Uint8Array, metadata: RestoredMetadata): void {
    const checked = checkName(name);
    if (linkTarget.length === 0 || linkTarget.includes(0)) {
      throw new ProtocolError('name_hostile', { reason: 'link_target' });
    }
    const path = this.directories.pathIn(parent, checked);
    onNaming(() => symlinkSync(Buffer.from(linkTarget), path));
    const place = { parent, name: checked };
    if (this.restoreOwner) this.attempt('owner', place, () => lchownSync(path, metadata.uid, metadata.gid));
    const time = utimesText(metadata.mtimeNs);
    this.attempt('time', place, () => lutimesSync(path, time, time));
  }

  /**
   * Make a file, empty for the moment.
   *
   * sizeBytes   what it will have; parts that are never written read as zeros
   * throws      name_hostile | name_taken | local_disk
   */
  openFile(parent: TargetDirectory, name: Uint8Array, sizeBytes: number): RestoredFile {
    return this.files.create(parent, checkName(name), sizeBytes);
  }

  /**
   * Write bytes at an offset. Calls may overlap, for one file too.
   *
   * throws   snapshot_damaged beyond the size of the file | local_disk
   */
  async writeAt(file: RestoredFile, bytes: Uint8Array, offset: number): Promise<void> {
    await this.files.writeAt(file, bytes, offset);
  }

  /** Give a file its size, owner, mode and time. No write may be under way. throws local_disk */
  finishFile(file: RestoredFile, metadata: RestoredMetadata): void {
    this.files.finish(file, (descriptor) => this.describe(descriptor, file, metadata, FILE_MODE_WITHOUT_OWNER));
  }

  /** Remove a file whose bytes cannot all be had. No write may be under way. throws local_disk */
  abandonFile(file: RestoredFile): void {
    this.files.abandon(file);
  }

  /** Describe the directories, from the bottom up, and close. Every file is finished or abandoned. throws local_disk */
  finish(): void {
    assert.equal(this.files.count, 0);
    for (const { directory, metadata } of this.made.reverse()) {
      const descriptor = this.enterAgain(directory);
      if (descriptor === null) continue;
      if (this.options.syncFiles) onDisk(() => fsyncSync(descriptor));
      this.describe(descriptor, directory, metadata, DIRECTORY_MODE_WITHOUT_OWNER);
      this.directories.release(directory);
    }
    if (this.options.syncFiles) onDisk(() => fsyncSync(this.directories.descriptorOf(this.root)));
    this.close();
  }

  /** Close all descriptors, after `finish` failed or instead of it. Unfinished files stay, with mode 0600. */
  close(): void {
    this.files.close();
    this.directories.close();
  }

  private enterAgain(directory: TargetDirectory): number | null {
    try {
      return this.directories.descriptorOf(directory);
    } catch (error) {
      if (!isRefusal(error, 'local_disk')) throw error;
      this.options.onProblem({
        path: pathForPeople(directory),
        what: 'folder',
        errno: String(error.facts.errno ?? ''),
      });
      return null;
    }
  }

  /** Owner before mode, since changing the owner clears bits of the mode; the time last, since all else changes it. */
  private describe(descriptor: number, place: Place, metadata: RestoredMetadata, modeWithoutOwner: number): void {
    const owned =
      this.restoreOwner && this.attempt('owner', place, () => fchownSync(descriptor, metadata.uid, metadata.gid));
    const mode = metadata.mode & (owned ? 0o7777 : modeWithoutOwner);
    this.attempt('mode', place, () => fchmodSync(descriptor, mode));
    const time = utimesText(metadata.mtimeNs);
    this.attempt('time', place, () => futimesSync(descriptor, time, time));
  }

  private attempt(what: RestoreProblem['what'], place: Place, call: () => void): boolean {
    try {
      call();
      return true;
    } catch (error) {
      this.options.onProblem({ path: pathForPeople(place), what, errno: errnoOf(error) });
      return false;
    }
  }
}

type Place = { readonly parent: TargetDirectory | null; readonly name: Buffer };

const FILE_MODE_WITHOUT_OWNER = 0o777;
const DIRECTORY_MODE_WITHOUT_OWNER = 0o1777;

function checkName(name: Uint8Array): Buffer {
  const reason = hostileReason(name, process.platform);
  if (reason !== null) throw new ProtocolError('name_hostile', { reason });
  return Buffer.from(name);
}

function pathForPeople(place: Place): string {
  const above = place.parent === null ? [] : stepsTo(place.parent);
  return [...above, place].map((step) => step.name.toString()).join('/');
}
