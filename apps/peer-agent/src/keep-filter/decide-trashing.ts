// Decides what the host does with shards that the broker does not know: a few go, many wait for a person. Pure.
import type { ErrorCode, UnixMs } from '#protocol';
import { KEEP_MARGIN_MS, UNWANTED_SHARDS_MIN, UNWANTED_SHARE_MAX } from '../limits.js';

/** A broker that knows of far less than the host holds may itself have lost what it knew. */
export function isTooMuch(unwantedShards: number, heldShards: number, acceptedShards: number): boolean {
  if (unwantedShards <= acceptedShards) return false;
  return unwantedShards > UNWANTED_SHARDS_MIN && unwantedShards > heldShards * UNWANTED_SHARE_MAX;
}

/** Why a list must not be acted on; null when it may: the broker's knowledge never goes back, unless its database did. */
export function listFault(
  list: { readonly atMs: UnixMs; readonly revision: number },
  last: { readonly listedMs: UnixMs; readonly revision: number },
): ErrorCode | null {
  return list.atMs < last.listedMs || list.revision < last.revision ? 'keep_filter_older' : null;
}

export interface HeldShard {
  /** When the broker permitted the newest put of it, and when the host last stored it. */
  readonly permittedMs: UnixMs;
  readonly storedMs: UnixMs;
  readonly retainedUntilMs: UnixMs;
}

/**
 * May a shard that is not in the list go? Only one that was here long before the list was made: of what came since, the
 * broker may hear later. A promise to keep it is the host's own.
 */
export function mayGo({ permittedMs, storedMs, retainedUntilMs }: HeldShard, listMs: UnixMs, nowMs: UnixMs): boolean {
  const beforeMs = listMs - KEEP_MARGIN_MS;
  return permittedMs < beforeMs && storedMs < beforeMs && retainedUntilMs <= nowMs;
}
