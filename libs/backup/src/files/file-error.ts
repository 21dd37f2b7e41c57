// Errors of file calls that Node does not make itself, as Node makes them.
import { getSystemErrorName } from 'node:util';

/** An error as Node throws it for a failed file call. */
export function fileError(syscall: string, errno: number): NodeJS.ErrnoException {
  const code = getSystemErrorName(-errno);
  return Object.assign(new Error(`${code}, ${syscall}`), { code, errno: -errno, syscall });
}
