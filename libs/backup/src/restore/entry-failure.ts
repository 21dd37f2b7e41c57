// Which failures concern one entry of a restore, and which end it. Pure.
import { type ErrorCode, isRefusal, type ProtocolError } from '#protocol';
import { isLossOfData } from '../get/loss-of-data.js';

const OF_ONE_ENTRY: ReadonlySet<ErrorCode> = new Set(['name_hostile', 'name_taken', 'file_mismatch'] as const);

/** The disk refuses this one thing; a full or broken disk (ENOSPC, EIO, EROFS, …) refuses the next one too. */
const ERRNOS_OF_ONE_ENTRY: ReadonlySet<string> = new Set([
  'EACCES',
  'EPERM',
  'ENOENT',
  'ENOTDIR',
  'EISDIR',
  'ENOTEMPTY',
  'EEXIST',
  'ELOOP',
  'ENAMETOOLONG',
  'EBUSY',
  'ETXTBSY',
  'EXDEV',
  'EMLINK',
  'ENXIO',
  'ENOTSUP',
  'EFBIG',
]);

/** True for what is told about an entry while the restore goes on. */
export function isAboutOneEntry(error: unknown): error is ProtocolError {
  if (!isRefusal(error)) return false;
  const { code, facts } = error;
  if (OF_ONE_ENTRY.has(code) || isLossOfData(error)) return true;
  if (code !== 'local_disk') return false;
  // Without an errno it is our own finding: somebody replaced what was restored.
  return facts.errno === undefined || ERRNOS_OF_ONE_ENTRY.has(String(facts.errno));
}
