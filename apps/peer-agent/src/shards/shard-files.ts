// The few things that the store asks of a file system, as a port: each can fail, and what follows depends on which did.
import { constants, statfsSync } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { syncDirectory } from '#process';

export interface WritableShard {
  /** Write all of `pieces` at `position`. */
  write(pieces: readonly Uint8Array[], position: number): Promise<void>;
  /** Resolves when content and size would survive a power cut. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface ReadableShard {
  readonly sizeBytes: number;
  /** Fill `target` from `position`; false when the file ends before. */
  read(target: Uint8Array, position: number): Promise<boolean>;
  close(): Promise<void>;
}

export abstract class ShardFiles {
  abstract makeFolder(path: string): Promise<void>;
  abstract create(path: string): Promise<WritableShard>;
  abstract openToRead(path: string): Promise<ReadableShard>;
  abstract rename(from: string, to: string): Promise<void>;
  abstract syncFolder(path: string): Promise<void>;
  abstract remove(path: string): Promise<void>;
  abstract list(path: string): Promise<string[]>;
  /** What this process may still write to the file system of `path`, in bytes. */
  abstract freeBytes(path: string): number;
}

export class DiskShardFiles extends ShardFiles {
  async makeFolder(path: string): Promise<void> {
    await mkdir(path, { recursive: true, mode: 0o700 });
  }

  async create(path: string): Promise<WritableShard> {
    return new DiskWriting(await open(path, 'wx', 0o600));
  }

  async openToRead(path: string): Promise<ReadableShard> {
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    return new DiskReading(handle, (await handle.stat()).size);
  }

  rename(from: string, to: string): Promise<void> {
    return rename(from, to);
  }

  syncFolder(path: string): Promise<void> {
    return syncDirectory(path);
  }

  remove(path: string): Promise<void> {
    return rm(path, { force: true });
  }

  list(path: string): Promise<string[]> {
    return readdir(path);
  }

  freeBytes(path: string): number {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  }
}

class DiskWriting implements WritableShard {
  constructor(private readonly handle: FileHandle) {}

  async write(pieces: readonly Uint8Array[], position: number): Promise<void> {
    let left = pieces;
    let offset = position;
    while (left.length > 0) {
      const { bytesWritten } = await this.handle.writev([...left], offset);
      offset += bytesWritten;
      left = after(left, bytesWritten);
    }
  }

  // fdatasync: the size of a new file is among what is needed to read it back, its times are not.
  sync(): Promise<void> {
    return this.handle.datasync();
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}

class DiskReading implements ReadableShard {
  constructor(
    private readonly handle: FileHandle,
    readonly sizeBytes: number,
  ) {}

  async read(target: Uint8Array, position: number): Promise<boolean> {
    for (let filled = 0; filled < target.length; ) {
      const { bytesRead } = await this.handle.read(target, filled, target.length - filled, position + filled);
      if (bytesRead === 0) return false;
      filled += bytesRead;
    }
    return true;
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}

/** What is left of `pieces` after their first `count` bytes; nearly always nothing. */
function after(pieces: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let left = count;
  for (let i = 0; i < pieces.length; i++) {
    const piece = pieces[i]!;
    if (left < piece.length) return [piece.subarray(left), ...pieces.slice(i + 1)];
    left -= piece.length;
  }
  return [];
}
