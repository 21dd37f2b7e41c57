// The notices of an account, read from its store: which objects are marked since when, and what is held.
import {
  isRefusal,
  type ListedObject,
  OBJECTS_PER_REQUEST_MAX,
  type ObjectId,
  type PeerId,
  parseTime,
} from '#protocol';
import { isLossOfData } from '../get/loss-of-data.js';
import type { AccountStore } from './account-store.js';
import { decodeNotice, encodeNotice, type Notice } from './notice-codec.js';
import { HOLD_LIFE_MS, NOTICE_OBJECTS_MAX } from './prune-limits.js';

export interface StoredNotice {
  readonly id: ObjectId;
  /** By the broker's clock. */
  readonly createdMs: number;
  readonly notice: Notice;
}

export interface Hold {
  readonly id: ObjectId;
  readonly machineId: PeerId;
  readonly sinceMs: number | null;
  readonly endsMs: number;
  readonly objects: ReadonlySet<ObjectId>;
}

/** Everything that the notices listed at one moment say. */
export interface Notices {
  /** The broker's time: not after they were listed, and not before. Each side of the bargain takes the careful one. */
  readonly beganMs: number;
  readonly endedMs: number;
  /** When each marked object may go: the earliest of its marks decides. */
  readonly ripeMs: ReadonlyMap<ObjectId, number>;
  readonly holds: readonly Hold[];
  readonly stored: readonly StoredNotice[];
  /** Old, and whole, and no notices: whoever reads them finds nothing to act on. */
  readonly meaningless: readonly ObjectId[];
  /**
   * Cannot be had, and too old to be a living hold. Each may be a mark that another prune has read and acts on: so none is
   * deleted, and no snapshot is confirmed beside one.
   */
  readonly givenUp: readonly ObjectId[];
}

/** Reads notices, each once: they never change. */
export class NoticeReader {
  private readonly known = new Map<ObjectId, Notice>();

  constructor(private readonly store: AccountStore) {}

  /** throws   what listing or reading throws: nobody may act on a part of the notices */
  async read(signal: AbortSignal): Promise<Notices> {
    const beganMs = this.store.nowMs();
    const listed = await this.store.list('notice', signal);
    const endedMs = this.store.nowMs();
    const unread = listed.filter(({ objectId }) => !this.known.has(objectId));
    const givenUp: ObjectId[] = [];
    const meaningless: ObjectId[] = [];
    for (let first = 0; first < unread.length; first += OBJECTS_PER_REQUEST_MAX) {
      const group = unread.slice(first, first + OBJECTS_PER_REQUEST_MAX);
      await this.store.announce(
        group.map(({ objectId }) => objectId),
        signal,
      );
      for (const one of group) {
        const outcome = await this.readOne(one, beganMs, signal);
        if (outcome === 'given up') givenUp.push(one.objectId);
        if (outcome === 'meaningless') meaningless.push(one.objectId);
      }
    }
    const stored: StoredNotice[] = [];
    for (const { objectId, createdAt } of listed) {
      const notice = this.known.get(objectId);
      if (notice !== undefined) stored.push({ id: objectId, createdMs: timeOf(createdAt), notice });
    }
    return { beganMs, endedMs, givenUp, meaningless, ...summarize(stored, beganMs) };
  }

  private async readOne(
    { objectId, createdAt }: ListedObject,
    nowMs: number,
    signal: AbortSignal,
  ): Promise<'read' | 'ended' | 'given up' | 'meaningless'> {
    try {
      const { entries } = await this.store.open(objectId, signal);
      this.known.set(objectId, decodeNotice(await this.store.chunk({ objectId, entry: entries[0]! }, signal)));
      return 'read';
    } catch (error) {
      // Deleted since it was listed: what it marked is gone, or what it held is needed no more.
      if (isRefusal(error, 'object_unknown')) return 'ended';
      if (!isLossOfData(error) || timeOf(createdAt) + HOLD_LIFE_MS > nowMs) throw error;
      return isRefusal(error, 'snapshot_damaged') ? 'meaningless' : 'given up';
    }
  }
}

/** Store notices; they are seen by others when this resolves. More objects than one notice holds make several. */
export async function publishNotice<N extends Notice>(
  store: AccountStore,
  notice: N,
  signal: AbortSignal,
): Promise<ObjectId[]> {
  const ids: ObjectId[] = [];
  for (let first = 0; first === 0 || first < notice.objects.length; first += NOTICE_OBJECTS_MAX) {
    const part: Notice = { ...notice, objects: notice.objects.slice(first, first + NOTICE_OBJECTS_MAX) };
    const { objectId } = await store.store('notice', [encodeNotice(part)], signal);
    ids.push(objectId);
  }
  await store.settle(signal);
  return ids;
}

export function timeOf(text: string): number {
  const ms = parseTime(text);
  // The broker's answer was checked against its schema: it is a time.
  return ms ?? Number.NaN;
}

/** Does a living hold cover this object? */
export function isHeld(notices: Notices, object: { readonly objectId: ObjectId; readonly createdMs: number }): boolean {
  return notices.holds.some(
    ({ sinceMs, objects }) => objects.has(object.objectId) || (sinceMs !== null && object.createdMs >= sinceMs),
  );
}

function summarize(stored: readonly StoredNotice[], nowMs: number): Pick<Notices, 'ripeMs' | 'holds' | 'stored'> {
  const ripeMs = new Map<ObjectId, number>();
  const holds: Hold[] = [];
  for (const { id, createdMs, notice } of stored) {
    if (notice.notice === 'mark') {
      const atRipeMs = createdMs + notice.graceMs;
      for (const objectId of notice.objects) ripeMs.set(objectId, Math.min(atRipeMs, ripeMs.get(objectId) ?? atRipeMs));
      continue;
    }
    const endsMs = createdMs + notice.lifeMs;
    if (endsMs <= nowMs) continue;
    const sinceMs = notice.since === null ? null : timeOf(notice.since);
    holds.push({ id, machineId: notice.machineId, sinceMs, endsMs, objects: new Set(notice.objects) });
  }
  return { ripeMs, holds, stored };
}
