// The calls of libc.ts on 64-bit Linux, bound to the C library that the process itself runs on (glibc or musl).
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { type DeviceNumber, packDeviceNumber } from './device-number.js';
import { fileError } from './file-error.js';
import type { FileOrPath, Libc } from './libc.js';

type Call = (...args: readonly (number | bigint | Uint8Array | null)[]) => number;

/** throws what a missing or unfit library throws: the caller falls back to plain calls */
export function loadLinuxLibc(): Libc {
  if (!WIDE_ARCHITECTURES.has(process.arch)) throw fileError('dlopen', constants.errno.ENOTSUP);
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
  const library = koffi.load(null);
  const bind = (name: string, result: string, args: readonly string[]): Call => {
    const call = library.func(name, result, [...args]);
    return (...values) => {
      const returned = Number(call(...values));
      if (returned < 0) throw fileError(name, koffi.errno());
      return returned;
    };
  };
  return linuxCalls(bind);
}

/** Where time_t, size_t, off_t and dev_t have 64 bits. */
const WIDE_ARCHITECTURES: ReadonlySet<string> = new Set(['x64', 'arm64', 'riscv64', 'loong64', 'ppc64', 's390x']);

// linux/limits.h
const XATTR_LIST_BYTES_MAX = 64 * 1024;
const XATTR_VALUE_BYTES_MAX = 64 * 1024;
// fcntl.h, sys/stat.h and unistd.h of Linux
const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const SEEK_DATA = 3;
const SEEK_HOLE = 4;
// linux/fs.h: _IOW(0x94, 9, int). Where the numbers are made otherwise (ppc64) the call is refused, as by a disk without it.
const FICLONE = 0x40049409;
const NODE_TYPES = { fifo: 0o010000, chardev: 0o020000, blockdev: 0o060000, socket: 0o140000 } as const;

const { ENODATA, ENOTSUP, EOPNOTSUPP, ENXIO, EINVAL, ENOTTY, ENOSYS, EXDEV, EPERM, EBADF, ETXTBSY, EISDIR } =
  constants.errno;
/** The disk has no shared bytes, or not between these two files. */
const CANNOT_SHARE = [ENOTSUP, EOPNOTSUPP, EINVAL, ENOTTY, ENOSYS, EXDEV, EPERM, EBADF, ETXTBSY, EISDIR];

function linuxCalls(bind: (name: string, result: string, args: readonly string[]) => Call): Libc {
  const bytes = 'const uint8_t *';
  const futimens = bind('futimens', 'int', ['int', bytes]);
  const utimensat = bind('utimensat', 'int', ['int', bytes, bytes, 'int']);
  const flistxattr = bind('flistxattr', 'int64_t', ['int', 'uint8_t *', 'size_t']);
  const llistxattr = bind('llistxattr', 'int64_t', [bytes, 'uint8_t *', 'size_t']);
  const fgetxattr = bind('fgetxattr', 'int64_t', ['int', bytes, 'uint8_t *', 'size_t']);
  const lgetxattr = bind('lgetxattr', 'int64_t', [bytes, bytes, 'uint8_t *', 'size_t']);
  const fsetxattr = bind('fsetxattr', 'int', ['int', bytes, bytes, 'size_t', 'int']);
  const lsetxattr = bind('lsetxattr', 'int', [bytes, bytes, bytes, 'size_t', 'int']);
  const fremovexattr = bind('fremovexattr', 'int', ['int', bytes]);
  const lremovexattr = bind('lremovexattr', 'int', [bytes, bytes]);
  const mkfifo = bind('mkfifo', 'int', [bytes, 'uint32_t']);
  const mknod = bind('mknod', 'int', [bytes, 'uint32_t', 'uint64_t']);
  const ioctl = bind('ioctl', 'int', ['int', 'unsigned long', 'long']);
  const syncfs = bind('syncfs', 'int', ['int']);
  const lseek = bind('lseek', 'int64_t', ['int', 'int64_t', 'int']);

  // Calls are synchronous and copy what they return, so one buffer serves them all.
  const answer = Buffer.allocUnsafeSlow(Math.max(XATTR_LIST_BYTES_MAX, XATTR_VALUE_BYTES_MAX));
  /** Null behind the last data or the end; `unsupported` where the file system does not tell. */
  const seek = (descriptor: number, offset: number, whence: number, unsupported: number | null): number | null =>
    otherwise({ [ENXIO]: null, [EINVAL]: unsupported }, () => lseek(descriptor, offset, whence));

  return {
    missing: null,
    futimensNs: (descriptor, timeNs) => void futimens(descriptor, timesOf(timeNs)),
    utimensNs: (path, timeNs) => void utimensat(AT_FDCWD, ended(path), timesOf(timeNs), AT_SYMLINK_NOFOLLOW),

    listXattrs(at) {
      const list = (): number =>
        typeof at === 'number'
          ? flistxattr(at, answer, XATTR_LIST_BYTES_MAX)
          : llistxattr(ended(at), answer, XATTR_LIST_BYTES_MAX);
      const sizeBytes = otherwise({ [ENOTSUP]: 0, [EOPNOTSUPP]: 0 }, list);
      return sizeBytes === 0 ? [] : namesOf(Buffer.from(answer.subarray(0, sizeBytes)));
    },
    getXattr(at, name) {
      const get = (): number =>
        typeof at === 'number'
          ? fgetxattr(at, ended(name), answer, XATTR_VALUE_BYTES_MAX)
          : lgetxattr(ended(at), ended(name), answer, XATTR_VALUE_BYTES_MAX);
      const sizeBytes = otherwise({ [ENODATA]: null }, get);
      return sizeBytes === null ? null : Buffer.from(answer.subarray(0, sizeBytes));
    },
    setXattr(at: FileOrPath, name, value) {
      if (typeof at === 'number') fsetxattr(at, ended(name), value, value.length, 0);
      else lsetxattr(ended(at), ended(name), value, value.length, 0);
    },
    removeXattr(at, name) {
      if (typeof at === 'number') fremovexattr(at, ended(name));
      else lremovexattr(ended(at), ended(name));
    },

    mkfifo: (path, mode) => void mkfifo(ended(path), mode),
    mknod: (path, type, mode, device: DeviceNumber = { major: 0, minor: 0 }) =>
      void mknod(ended(path), NODE_TYPES[type] | mode, packDeviceNumber(device)),

    seekData: (descriptor, offset) => seek(descriptor, offset, SEEK_DATA, offset),
    seekHole: (descriptor, offset) => seek(descriptor, offset, SEEK_HOLE, null),

    cloneFile: (from, to) =>
      otherwise(Object.fromEntries(CANNOT_SHARE.map((errno) => [errno, -1])), () => ioctl(to, FICLONE, from)) === 0,
    syncFileSystem: (descriptor) => syncfs(descriptor) === 0,
  };
}

/** What a failure of the call means, by its errno; every other failure goes on. */
function otherwise<T>(meaning: Readonly<Record<number, T>>, call: () => number): number | T {
  try {
    return call();
  } catch (error) {
    const errno = error instanceof Error && 'errno' in error ? -Number(error.errno) : Number.NaN;
    if (errno in meaning) return meaning[errno] as T;
    throw error;
  }
}

/** A C string. A NUL inside would name something else, so it is refused as the kernel refuses what it cannot name. */
function ended(text: Uint8Array): Uint8Array {
  if (text.includes(0)) throw fileError('path', EINVAL);
  const bytes = new Uint8Array(text.length + 1);
  bytes.set(text);
  return bytes;
}

/** Two timespecs, access and change: seconds and 0 to 999,999,999 ns each. */
function timesOf(timeNs: bigint): Uint8Array {
  const nanoseconds = ((timeNs % BILLION) + BILLION) % BILLION;
  const seconds = (timeNs - nanoseconds) / BILLION;
  return new Uint8Array(new BigInt64Array([seconds, nanoseconds, seconds, nanoseconds]).buffer);
}

const BILLION = 1_000_000_000n;

/** Names stand one behind another, each ended by a NUL. */
function namesOf(list: Buffer): Buffer[] {
  const names: Buffer[] = [];
  for (let start = 0; start < list.length; ) {
    const end = list.indexOf(0, start);
    names.push(list.subarray(start, end));
    start = end + 1;
  }
  return names.sort(Buffer.compare);
}
