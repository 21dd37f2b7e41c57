/**
 * What Node's file calls cannot do: times to the nanosecond, extended attributes, FIFOs and devices, holes in
 * files, shared bytes, one flush for many files.
 *
 * Paths and names are raw bytes; no call follows a symbolic link at the end of a path. Errors are as Node's own: `code`
 * ("ENOTSUP"), `errno` and `syscall`, so that errnoOf reads them. On Linux the calls are libc's own, bound at the first
 * use. Elsewhere, and where the library cannot be loaded, plain ones stand in: microseconds, no attributes, no nodes, and
 * every file is data from end to end; `missing` then says why, for whoever tells it to a person once.
 */
import type { DeviceNumber } from './device-number.js';
import { loadLinuxLibc } from './libc-linux.js';
import { plainLibc } from './libc-plain.js';

/** POSIX ACLs are attributes too: `system.posix_acl_access` and `system.posix_acl_default`. */
export interface Xattr {
  readonly name: Uint8Array;
  readonly value: Uint8Array;
}

/** An open file or directory, or a path whose last step is not followed when it is a symbolic link. */
export type FileOrPath = number | Uint8Array;

export interface Libc {
  /** Why the plain calls stand in ("darwin", "MODULE_NOT_FOUND", …); null when nothing is missing. */
  readonly missing: string | null;

  /** Set the times of change and access of an open file, ns since 1970, signed. */
  futimensNs(descriptor: number, timeNs: bigint): void;
  /** The same by path, also of a symbolic link itself. */
  utimensNs(path: Uint8Array, timeNs: bigint): void;

  /** Names in byte order; none where the file system keeps no attributes. */
  listXattrs(at: FileOrPath): Buffer[];
  /** Null when it has no such attribute (any more). */
  getXattr(at: FileOrPath, name: Uint8Array): Buffer | null;
  setXattr(at: FileOrPath, name: Uint8Array, value: Uint8Array): void;
  removeXattr(at: FileOrPath, name: Uint8Array): void;

  /** The process's umask is taken off `mode`, as in open. throws EEXIST: what is there is never replaced */
  mkfifo(path: Uint8Array, mode: number): void;
  /** `mode` as in mkfifo; devices take root's rights. */
  mknod(path: Uint8Array, type: 'fifo' | 'socket' | 'chardev' | 'blockdev', mode: number, device?: DeviceNumber): void;

  /** Where data begins at or behind an offset; null when only a hole follows, to the end. */
  seekData(descriptor: number, offset: number): number | null;
  /** Where the next hole begins at or behind an offset, the end of the file at the latest. */
  seekHole(descriptor: number, offset: number): number | null;

  /** Let an empty file share the bytes of another, copied when either is written to; false where the disk cannot. */
  cloneFile(from: number, to: number): boolean;
  /** Bring everything that waits for the file system of an open file to the disk; false where no such call is. */
  syncFileSystem(descriptor: number): boolean;
}

let bound: Libc | null = null;

/** The calls of this machine; the first use loads them, which takes some tens of milliseconds. */
export function libc(): Libc {
  bound ??= bindLibc(process.platform, loadLinuxLibc);
  return bound;
}

/** `load` brings the native calls of Linux or throws what Node throws for a library that cannot be loaded. */
export function bindLibc(platform: NodeJS.Platform, load: () => Libc): Libc {
  if (platform !== 'linux') return plainLibc(platform);
  try {
    return load();
  } catch (error) {
    // Which error it is depends on the packaging; whatever it is, backups go on without these calls.
    return plainLibc(error instanceof Error && 'code' in error ? String(error.code) : String(error));
  }
}
