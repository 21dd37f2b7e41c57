// Which failures mean that some stored bytes cannot be had: whoever needs those loses them, and the rest goes on. Pure.
import { type ErrorCode, isRefusal, type ProtocolError } from '#protocol';

const LOSSES: ReadonlySet<ErrorCode> = new Set([
  'object_unavailable',
  'object_damaged',
  'object_unknown',
  'chunk_missing',
  'snapshot_damaged',
] as const);

/** False for what ends a run: a broker that is away, a full disk, a person who stops it, a later format. */
export function isLossOfData(error: unknown): error is ProtocolError {
  return isRefusal(error) && LOSSES.has(error.code);
}

/** True also for what a later version of this program wrote: for whoever can do without it. */
export function isUnreadable(error: unknown): error is ProtocolError {
  return isLossOfData(error) || isRefusal(error, 'format_unsupported');
}
