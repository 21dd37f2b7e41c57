// The files that a restore is writing: made exclusively, written at any offset in any order, a bounded number open.
import { strict as assert } from 'node:assert';
import { closeSync, constants, fsyncSync, ftruncateSync, openSync, unlinkSync, write, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { ProtocolError } from '#protocol';
import { RESTORE_OPEN_FILES_MAX, SMALL_FILE_BYTES_MAX } from './file-limits.js';
import { diskFailure, onDisk, onNaming } from './restore-failure.js';
import { identityOf, type TargetDirectories, type TargetDirectory } from './target-directories.js';

/** A file that is being restored. */
export interface RestoredFile {
  readonly parent: TargetDirectory;
  readonly name: Buffer;
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

  constructor(
    private readonly directories: TargetDirectories,
    private readonly syncFiles: boolean,
  ) {}

  /** Files that are neither finished nor abandoned. */
  get count(): number {
    return this.states.size;
  }

  /** Make an empty file of mode 0600. The name has been judged. throws name_hostile | name_taken | local_disk */
  create(parent: TargetDirectory, name: Buffer, sizeBytes: number): RestoredFile {
    const descriptor = onNaming(() => openSync(this.directories.pathIn(parent, name), CREATE_FLAGS, 0o600));
    const file = { parent, name, sizeBytes };
    const state: FileState = { file, descriptor, identity: null, writes: 0, endBytes: 0 };
    this.states.set(file, state);
    this.rest(state);
    return file;
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
      if (bytes.length <= SMALL_FILE_BYTES_MAX) writeWhole(descriptor, bytes, offset);
      else await writeWholeAsync(descriptor, bytes, offset);
      state.endBytes = Math.max(state.endBytes, offset + bytes.length);
    } catch (cause) {
      throw diskFailure(cause);
    } finally {
      state.writes -= 1;
      if (state.writes === 0) this.rest(state);
    }
  }

  /**
   * Give the file its size, let the caller describe it by its descriptor, and close it. No write may be under way.
   *
   * throws   local_disk
   */
  finish(file: RestoredFile, describe: (descriptor: number) => void): void {
    const state = this.stateOf(file);
    assert.equal(state.writes, 0);
    const descriptor = this.take(state);
    this.states.delete(file);
    try {
      onDisk(() => {
        if (state.endBytes < file.sizeBytes) ftruncateSync(descriptor, file.sizeBytes);
        if (this.syncFiles) fsyncSync(descriptor);
      });
      describe(descriptor);
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
    onDisk(() => unlinkSync(this.directories.pathIn(file.parent, file.name)));
  }

  /** Close all descriptors; what is not finished stays as it is. No write may be under way. */
  close(): void {
    for (const state of this.states.values()) {
      assert.equal(state.writes, 0);
      this.putDown(state);
    }
    this.states.clear();
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
    const { parent, name } = state.file;
    const descriptor = onDisk(() => openSync(this.directories.pathIn(parent, name), REOPEN_FLAGS));
    if (identityOf(descriptor) === state.identity) return descriptor;
    closeSync(descriptor);
    throw new ProtocolError('local_disk', { reason: 'somebody replaced a restored file' });
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
  descriptor: number | null;
  /** Device and inode, known while the descriptor is closed. */
  identity: string | null;
  /** Writes under way; meanwhile the descriptor stays open, or they would go to whatever file gets its number. */
  writes: number;
  /** End of the furthest write. */
  endBytes: number;
}

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
