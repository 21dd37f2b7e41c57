// A write or an fsync failed: what is on the disk is unknown, and asking again would only hide it.

export class DiskFailure extends Error {
  override readonly name = 'DiskFailure';

  /** isSuspect: false for a disk that was merely full, which refuses a write cleanly and may be written again. */
  constructor(
    cause: unknown,
    readonly isSuspect: boolean,
  ) {
    super('the disk failed', { cause });
  }

  static ofWrite(cause: unknown): DiskFailure {
    const { code } = cause as NodeJS.ErrnoException;
    return new DiskFailure(cause, code !== 'ENOSPC' && code !== 'EDQUOT');
  }

  /** After a failed fsync the system may have dropped the bytes and forgotten the error: always suspect. */
  static ofSync(cause: unknown): DiskFailure {
    return new DiskFailure(cause, true);
  }
}
