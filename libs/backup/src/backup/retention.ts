// Backups that nobody may delete for a while (`backup --retain`): until when, and which stored chunks they may rely on.
//
// Objects are put with twice the time that is wanted. So the backups of the first half rely on them as on any other
// chunk; after it the chunks are stored anew. Each chunk is stored once more in each span, and kept for up to two.
import { CLOCK_SKEW_MS_MAX, type ListedObject, ProtocolError, RETAIN_MS_MAX, timeOf } from '#protocol';
import type { ChunkIndex } from '../chunk-index.js';
import { type CalendarSpan, earlier, type OffsetMinutesOf } from '../forget/local-calendar.js';
import type { AccountStore } from '../prune/account-store.js';
import { StoredChunkMap } from '../prune/stored-chunks.js';

/** Unix ms. */
export interface Retention {
  /** Everything that the snapshot needs is kept until then, at least. */
  readonly wantedUntilMs: number;
  /** What is put by this run is kept until then. */
  readonly putUntilMs: number;
}

/** throws usage for no time at all, and for more than a token may say */
export function retentionFrom(nowMs: number, span: CalendarSpan, offsetMinutesOf: OffsetMinutesOf): Retention {
  const { years, months, days, hours } = span;
  const later = (ms: number): number =>
    earlier(ms, { years: -years, months: -months, days: -days, hours: -hours }, offsetMinutesOf);
  // The broker judges the time by its own clock.
  const latestMs = nowMs + RETAIN_MS_MAX - CLOCK_SKEW_MS_MAX;
  const wantedUntilMs = later(nowMs);
  if (wantedUntilMs <= nowMs || wantedUntilMs > latestMs) {
    throw new ProtocolError('usage', {}, { detail: '--retain is more than nothing, and at most ten years' });
  }
  return { wantedUntilMs, putUntilMs: Math.min(later(wantedUntilMs), latestMs) };
}

/** Where the chunks lie that nobody can delete before `wantedUntilMs`; all others have to be stored again. */
export async function readRetainedChunks(
  store: AccountStore,
  listed: readonly ListedObject[],
  { wantedUntilMs }: Retention,
  signal: AbortSignal,
): Promise<ChunkIndex> {
  const kept = listed.filter(({ retainUntil }) => retainUntil !== undefined && timeOf(retainUntil) >= wantedUntilMs);
  const indexes = kept.filter(({ kind }) => kind === 'index').map(({ objectId }) => objectId);
  const objects = new Set(kept.map(({ objectId }) => objectId));
  return (await StoredChunkMap.read(store, { indexes, listed: objects, condemned: [] }, signal)).index;
}
