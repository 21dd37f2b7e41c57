// What a failed file-system call means for one entry: the entry is passed over and reported, the run goes on.

/**
 * permission       the operating system refuses this user
 * vanished         it was there when its directory was listed, or is another kind of thing now
 * special_file     neither file, folder, link, FIFO, socket nor device
 * too_many_entries a directory of more than DIRECTORY_NAMES_MAX names
 * other            see the errno
 */
export type SkipReason = 'permission' | 'vanished' | 'special_file' | 'too_many_entries' | 'other';

const REASONS: Readonly<Record<string, SkipReason>> = {
  EACCES: 'permission',
  EPERM: 'permission',
  ENOENT: 'vanished',
  ENOTDIR: 'vanished',
  EISDIR: 'vanished',
  ELOOP: 'vanished',
};

/** The errno text of a file-system error ("EACCES"). Rethrows what is no file-system error: that is our own mistake. */
export function errnoOf(error: unknown): string {
  const code = error instanceof Error && 'syscall' in error && 'code' in error ? error.code : undefined;
  if (typeof code !== 'string') throw error;
  return code;
}

export function skipReasonOf(errno: string): SkipReason {
  return REASONS[errno] ?? 'other';
}
