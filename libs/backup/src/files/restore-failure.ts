// What a failed call of a restore means, by code.
import { ProtocolError } from '#protocol';
import { errnoOf } from './disk-failure.js';

/** Run calls that read or write what is there already. throws local_disk */
export function onDisk<T>(calls: () => T): T {
  try {
    return calls();
  } catch (cause) {
    throw diskFailure(cause);
  }
}

/** The same for a call that is awaited. throws local_disk */
export async function onDiskAsync<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    throw diskFailure(cause);
  }
}

/** Run calls that give something a name. throws name_taken | name_hostile | local_disk */
export function onNaming<T>(calls: () => T): T {
  try {
    return calls();
  } catch (cause) {
    throw namingFailure(cause);
  }
}

/** A refusal stays what it is; a file-system error is local_disk; anything else is our own mistake and is rethrown. */
export function diskFailure(cause: unknown): ProtocolError {
  if (cause instanceof ProtocolError) return cause;
  return new ProtocolError('local_disk', { errno: errnoOf(cause) }, { cause });
}

function namingFailure(cause: unknown): ProtocolError {
  if (cause instanceof ProtocolError) return cause;
  const errno = errnoOf(cause);
  if (errno === 'EEXIST') return new ProtocolError('name_taken', {}, { cause });
  if (errno === 'ENAMETOOLONG') return new ProtocolError('name_hostile', { reason: 'too_long' }, { cause });
  // The disk's own rules: bytes that are no UTF-8 on macOS, a colon on FAT.
  if (errno === 'EILSEQ' || errno === 'EINVAL') return new ProtocolError('name_hostile', { reason: errno }, { cause });
  return diskFailure(cause);
}
