// Changes the tags of snapshots: a snapshot is never changed, so one with the new tags is stored, and then the old deleted.
import { isDeepStrictEqual } from 'node:util';
import { type ListedObject, type ObjectId, ProtocolError } from '#protocol';
import type { DeletionOutcome, ObjectDeleter } from '../delete/object-deleter.js';
import type { BrokerPort } from '../ports.js';
import type { ReportOutbox } from '../put/report-outbox.js';
import { filterSnapshots, type SnapshotFilter } from '../snapshots/filter-snapshots.js';
import { resolveAmong } from '../snapshots/find-snapshot.js';
import type { StoredSnapshot } from '../snapshots/list-snapshots.js';
import { storeSnapshot } from '../snapshots/store-snapshot.js';
import { SNAPSHOT_TAG_CHARS_MAX, SNAPSHOT_TAGS_MAX } from '../trees/tree-limits.js';

/** `set` stands instead of the tags that are there; else `add`, then `remove`. */
export interface TagChange {
  readonly set: readonly string[] | null;
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

export interface TagRequest extends TagChange {
  /** These; or, without any, those that pass the filter. */
  readonly ids: readonly string[];
  readonly filter: SnapshotFilter;
}

export interface TagSummary {
  /** Every snapshot that there was; the short ids of tables are made of them and the new ones. */
  readonly known: readonly ObjectId[];
  readonly changed: readonly { readonly oldId: ObjectId; readonly newId: ObjectId }[];
  /** Old snapshots that somebody promised to keep for longer: they stay beside the new ones until then. */
  readonly retained: DeletionOutcome['retained'];
}

/** Each tag once, in its order. Pure. */
export function changeTags(tags: readonly string[], { set, add, remove }: TagChange): string[] {
  if (set !== null) return [...new Set(set)];
  return [...new Set([...tags, ...add])].filter((tag) => !remove.includes(tag));
}

/**
 * Of these snapshots, those that another one stands for: a `tag` that was cut off left both. That one must say the same
 * of the same folders, in all but its tags: what it calls its original is only the word of whoever wrote it. Pure.
 */
export function supersededOf(snapshots: readonly StoredSnapshot[]): Set<ObjectId> {
  const byId = new Map<string, StoredSnapshot>(snapshots.map((stored) => [stored.id, stored]));
  const superseded = new Set<ObjectId>();
  for (const { id, snapshot } of snapshots) {
    const original = snapshot.original === undefined ? undefined : byId.get(snapshot.original);
    if (original === undefined || original.id === id) continue;
    if (isDeepStrictEqual(untagged(snapshot), untagged(original.snapshot))) superseded.add(original.id);
  }
  return superseded;
}

function untagged({ tags: _tags, original: _original, id: _id, ...rest }: StoredSnapshot['snapshot']): object {
  return rest;
}

/**
 * The old snapshots are deleted when the broker has heard that the new ones are safe, all at once at the end. A run that
 * is cut off before leaves both, and the next one that is asked for the old deletes it. Nothing else is deleted.
 *
 * account  every snapshot that can be read, and every object that is listed
 * throws   snapshot_unknown | peer_append_only: before anything is changed | usage for tags that are too long or too
 *          many | what storing and deleting throw
 */
export async function runTag(
  parts: Parameters<typeof storeSnapshot>[0] & {
    readonly broker: Pick<BrokerPort, 'peerStatus'>;
    readonly outbox: Pick<ReportOutbox, 'flush' | 'refusedReceipts'>;
    readonly deleter: Pick<ObjectDeleter, 'delete'>;
  },
  account: { readonly snapshots: readonly StoredSnapshot[]; readonly listed: readonly ListedObject[] },
  request: TagRequest & { readonly signal: AbortSignal },
): Promise<TagSummary> {
  const { signal } = request;
  const { filter } = request;
  const ids = request.ids.map((snapshot) => resolveAmong(account, { snapshot, filter }));
  const chosen =
    ids.length > 0
      ? account.snapshots.filter(({ id }) => ids.includes(id))
      : filterSnapshots(account.snapshots, request.filter);
  const superseded = supersededOf(account.snapshots);
  const left = chosen.map(({ id }) => id).filter((id) => superseded.has(id));
  const wanted = chosen
    .map(({ id, snapshot }) => ({ id, snapshot, tags: changeTags(snapshot.tags, request) }))
    .filter(({ id, snapshot, tags }) => !superseded.has(id) && !isSame(tags, snapshot.tags));
  for (const { tags } of wanted) checkTags(tags);
  // Without the right to delete, every change of a tag would leave a second snapshot.
  if (wanted.length > 0 && (await parts.broker.peerStatus({ signal })).appendOnly) {
    throw new ProtocolError('peer_append_only');
  }

  const changed: { oldId: ObjectId; newId: ObjectId }[] = [];
  for (const { id, snapshot, tags } of wanted) {
    if (signal.aborted) throw new ProtocolError('interrupted');
    changed.push({ oldId: id, newId: await storeSnapshot(parts, { ...snapshot, tags, original: id }, signal) });
  }
  if (changed.length > 0) await parts.outbox.flush(signal);
  if (parts.outbox.refusedReceipts > 0) throw new ProtocolError('receipt_invalid');
  const old = [...left, ...changed.map(({ oldId }) => oldId)];
  if (old.length === 0) return { known: knownIds(account.listed), changed, retained: [] };
  const { retained } = await parts.deleter.delete(old, signal);
  return { known: knownIds(account.listed), changed, retained };
}

function checkTags(tags: readonly string[]): void {
  if (tags.length <= SNAPSHOT_TAGS_MAX && tags.every((tag) => tag !== '' && tag.length <= SNAPSHOT_TAG_CHARS_MAX))
    return;
  const detail = `a snapshot has at most ${SNAPSHOT_TAGS_MAX} tags of 1 to ${SNAPSHOT_TAG_CHARS_MAX} characters`;
  throw new ProtocolError('usage', {}, { detail });
}

function knownIds(listed: readonly ListedObject[]): ObjectId[] {
  return listed.filter(({ kind }) => kind === 'snapshot').map(({ objectId }) => objectId);
}

function isSame(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((tag, i) => tag === right[i]);
}
