// The calls of libc.ts as far as Node alone can do them: times to the microsecond, no attributes, no nodes, no holes, no sharing.
import { futimesSync, lutimesSync } from 'node:fs';
import { constants } from 'node:os';
import { fileError } from './file-error.js';
import { utimesText } from './file-times.js';
import type { Libc } from './libc.js';

/** missing   why nothing better is there */
export function plainLibc(missing: string): Libc {
  const unsupported = (syscall: string) => (): never => {
    throw fileError(syscall, constants.errno.ENOTSUP);
  };
  return {
    missing,
    futimensNs: (descriptor, timeNs) => futimesSync(descriptor, utimesText(timeNs), utimesText(timeNs)),
    utimensNs: (path, timeNs) => lutimesSync(Buffer.from(path), utimesText(timeNs), utimesText(timeNs)),
    listXattrs: () => [],
    getXattr: () => null,
    setXattr: unsupported('setxattr'),
    removeXattr: unsupported('removexattr'),
    mkfifo: unsupported('mkfifo'),
    mknod: unsupported('mknod'),
    seekData: (_descriptor, offset) => offset,
    seekHole: () => null,
    cloneFile: () => false,
    syncFileSystem: () => false,
  };
}
