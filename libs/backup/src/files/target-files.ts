// The files that a restore is writing: made exclusively, written at any offset, few open at once. What was there before is
// never written to.
import { strict as assert } from 'node:assert';
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  unlinkSync,
  write,
  writeSync,
} from 'node:fs';
import { promisify } from 'node:util';
import { ProtocolError } from '#protocol';
import { RESTORE_OPEN_FILES_MAX, SMALL_FILE_BYTES_MAX } from './file-limits.js';
import { libc } from './libc.js';
import { isNameBeside, nameBeside } from './name-beside.js';
import { diskFailure, onDisk, onNaming } from './restore-failure.js';
import { type MakeRoom, takePlace } from './take-place.js';
import { identityOf, type TargetDirectories, type TargetDirectory } from './target-directories.js';
import { dataPieces } from './zero-runs.js';

/**
 * A file that is being restored.
 *
 * diskName   under which its bytes are written: its own name, or one beside it until it is whole and takes its place
 */
export interface RestoredFile {
  readonly parent: TargetDirectory;
  readonly name: Buffer;
  readonly diskName: Buffer;
  readonly sizeBytes: number;
}

/**
 * Holds the descriptors. A file that rests is closed when others need its descriptor, and opened again, through its
 * directory and only if it is still the same file, when more of it comes.
 */
export class TargetFiles {
  private readonly states = new Map<RestoredFile, FileState>();
  /** Files whose descriptor is open and not in use, least recently used first. */
  private readonly resting = new Set<FileState>();

  /** syncEach, syncAtRename   whether each file, or each that takes a place, is on the disk before it counts as finished */
  constructor(
    private readonly directories: TargetDirectories,
    private readonly options: {
      readonly syncEach: boolean;
      readonly syncAtRename: boolean;
      readonly sparse: boolean;
    },
  ) {}

  /** Files that are neither finished nor abandoned. */
  get count(): number {
    return this.states.size;
  }

  /** Make an empty file of mode 0600. The name has been judged. throws name_hostile | name_taken | local_disk */
  create(parent: TargetDirectory, name: Buffer, sizeBytes: number): RestoredFile {
    return this.createAs({ parent, name, diskName: name, sizeBytes }, null);
  }

  /**
   * The same, under a name of its own beside the file's, which it takes when it is finished.
   *
   * makeRoom   null when nothing may stand at the name then, which `finish` refuses as name_taken
   */
  createBeside(parent: TargetDirectory, name: Buffer, sizeBytes: number, makeRoom: MakeRoom | null): RestoredFile {
    return this.createAs({ parent, name, diskName: nameBeside(), sizeBytes }, makeRoom);
  }

  /**
   * Give a file that has no bytes yet those of an open file, without copying them, where the disk can share them.
   *
   * returns   false when it cannot
   * throws    local_disk
   */
  shareBytes(file: RestoredFile, from: number): boolean {
    const state = this.stateOf(file);
    const descriptor = this.take(state);
    try {
      return onDisk(() => {
        if (!libc().cloneFile(from, descriptor)) return false;
        state.endBytes = fstatSync(descriptor).size;
        state.startsEmpty = false;
        return true;
      });
    } finally {
      this.rest(state);
    }
  }

  /** Is this the name of a file that waits to take its place? */
  isBeside(parent: TargetDirectory, name: Buffer): boolean {
    if (!isNameBeside(name)) return false;
    for (const { file } of this.states.values()) {
      if (file.parent === parent && file.diskName !== file.name && file.diskName.equals(name)) return true;
    }
    return false;
  }

  /** Write bytes at an offset; calls may overlap. throws snapshot_damaged beyond the file's size | local_disk */
  async writeAt(file: RestoredFile, bytes: Uint8Array, offset: number): Promise<void> {
    const state = this.stateOf(file);
    if (offset + bytes.length > file.sizeBytes) {
      throw new ProtocolError('snapshot_damaged', { reason: 'more bytes than the entry says' });
    }
    const descriptor = this.take(state);
    state.writes += 1;
    try {
      const pieces =
        this.options.sparse && state.startsEmpty ? dataPieces(bytes, offset) : [{ start: 0, end: bytes.length }];
      for (const { start, end } of pieces) {
        const piece = bytes.subarray(start, end);
        if (piece.length <= SMALL_FILE_BYTES_MAX) writeWhole(descriptor, piece, offset + start);
        else await writeWholeAsync(descriptor, piece, offset + start);
      }
      state.endBytes = Math.max(state.endBytes, offset + (pieces.at(-1)?.end ?? 0));
    } catch (cause) {
      throw diskFailure(cause);
    } finally {
      state.writes -= 1;
      if (state.writes === 0) this.rest(state);
    }
  }

  /**
   * Give the file its size, let the caller describe it by its descriptor, close it, and let it take its place. What it
   * replaces goes only when the bytes that replace it are on the disk. No write may be under way.
   *
   * returns  its identity
   * throws   name_taken | local_disk: then it is gone, unless it was made under its own name
   */
  finish(file: RestoredFile, describe: (descriptor: number) => void): string {
    const state = this.stateOf(file);
    assert.equal(state.writes, 0);
    const descriptor = this.take(state);
    this.states.delete(file);
    const { syncEach, syncAtRename } = this.options;
    const { makeRoom } = state;
    const isBeside = file.diskName !== file.name;
    try {
      onDisk(() => {
        if (state.endBytes !== file.sizeBytes) ftruncateSync(descriptor, file.sizeBytes);
      });
      describe(descriptor);
      onDisk(() => {
        if (syncEach || (isBeside && (syncAtRename || makeRoom !== null))) fsyncSync(descriptor);
      });
      if (isBeside) takePlace(this.directories, file, makeRoom);
      return identityOf(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }

  /** Remove the file. No write may be under way. throws local_disk */
  abandon(file: RestoredFile): void {
    const state = this.stateOf(file);
    assert.equal(state.writes, 0);
    this.states.delete(file);
    this.putDown(state);
    onDisk(() => unlinkSync(this.directories.pathIn(file.parent, file.diskName)));
  }

  /**
   * Close all descriptors. What is not finished stays as it is, for a later restore to go on with; what was made beside a
   * name is of no use to it and goes. No write may be under way. throws local_disk
   */
  close(): void {
    const states = [...this.states.values()];
    this.states.clear();
    for (const state of states) {
      assert.equal(state.writes, 0);
      this.putDown(state);
    }
    for (const { file } of states) {
      if (file.diskName === file.name) continue;
      onDisk(() => unlinkSync(this.directories.pathIn(file.parent, file.diskName)));
    }
  }

  private createAs(file: RestoredFile, makeRoom: MakeRoom | null): RestoredFile {
    const path = this.directories.pathIn(file.parent, file.diskName);
    const descriptor = onNaming(() => openSync(path, CREATE_FLAGS, 0o600));
    const state = { file, makeRoom, descriptor, identity: null, writes: 0, endBytes: 0, startsEmpty: true };
    this.states.set(file, state);
    this.rest(state);
    return file;
  }

  private stateOf(file: RestoredFile): FileState {
    const state = this.states.get(file);
    assert(state !== undefined);
    return state;
  }

  /** The descriptor, which stays open until `rest`. */
  private take(state: FileState): number {
    this.resting.delete(state);
    state.descriptor ??= this.openAgain(state);
    return state.descriptor;
  }

  private openAgain(state: FileState): number {
    const { parent, diskName } = state.file;
    const descriptor = onDisk(() => openSync(this.directories.pathIn(parent, diskName), REOPEN_FLAGS));
    if (identityOf(descriptor) === state.identity) return descriptor;
    closeSync(descriptor);
    throw new ProtocolError('local_disk', { reason: REPLACED });
  }

  private rest(state: FileState): void {
    this.resting.add(state);
    for (const oldest of this.resting) {
      if (this.resting.size <= RESTORE_OPEN_FILES_MAX) return;
      this.putDown(oldest);
    }
  }

  private putDown(state: FileState): void {
    this.resting.delete(state);
    if (state.descriptor === null) return;
    state.identity = identityOf(state.descriptor);
    closeSync(state.descriptor);
    state.descriptor = null;
  }
}

interface FileState {
  readonly file: RestoredFile;
  readonly makeRoom: MakeRoom | null;
  descriptor: number | null;
  /** Device and inode, known while the descriptor is closed. */
  identity: string | null;
  /** Writes under way; meanwhile the descriptor stays open, or they would go to whatever file gets its number. */
  writes: number;
  /** The size that it has on the disk: that of the bytes it shares, or the end of the furthest write. */
  endBytes: number;
  /** All that was not written reads as zeros. */
  startsEmpty: boolean;
}

const REPLACED = 'somebody replaced a restored file';

const CREATE_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);
/** O_NONBLOCK: a FIFO put in the place of the file must not hang the run. */
const REOPEN_FLAGS = constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
const writeAsync = promisify(write);

function writeWhole(descriptor: number, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(descriptor, bytes, done, bytes.length - done, offset + done);
  }
}

async function writeWholeAsync(descriptor: number, bytes: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await writeAsync(descriptor, bytes, done, bytes.length - done, offset + done);
    done += bytesWritten;
  }
}
