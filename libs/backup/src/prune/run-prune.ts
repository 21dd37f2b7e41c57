// One prune: reads the whole account, deletes what was marked long enough ago, copies, marks, and tidies up after itself.
import { isRefusal, type ListedObject, type ObjectId, type PeerId, ProtocolError } from '#protocol';
import type { OnEvent } from '../ports.js';
import type { AccountStore, Deletion, StoredChunks } from './account-store.js';
import { decidePrune, type PrunePlan, type PruneRules } from './decide-prune.js';
import { publishNotice, timeOf } from './notices.js';
import { decideProven } from './prove-witnesses.js';
import { LATE_REPORT_MS_MAX } from './prune-limits.js';
import { type ReadAccount, readAccount, weighObjects } from './read-account.js';
import { publishIndex, repackChunks } from './repack.js';

export interface PruneRequest {
  /** From a mark of this prune to the deletion. */
  readonly graceMs: number;
  readonly minAgeMs: number;
  readonly maxUnused: PruneRules['maxUnused'];
  readonly repackBytesMax: number | null;
  readonly smallBytesMax: number | null;
  /** Decide and tell, and change nothing. */
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
  readonly onEvent: OnEvent;
}

/** Numbers of objects, with their bytes before redundancy. */
export interface PrunedObjects {
  readonly objects: number;
  readonly bytes: number;
}

export interface PruneSummary {
  readonly dryRun: boolean;
  readonly snapshots: number;
  /** Data and tree objects before the prune. */
  readonly stored: PrunedObjects;
  /** What is gone from every list, by this prune. */
  readonly deleted: PrunedObjects;
  /** Of these, objects with shards on hosts that were away. */
  readonly pending: number;
  /** Ripe, but somebody promised to keep them for longer. */
  readonly retained: number;
  /** Newly marked, those out of which the rest was copied with them. */
  readonly marked: PrunedObjects;
  /** Copied into new objects. */
  readonly repacked: PrunedObjects;
  /** Marked by this prune and earlier ones, and not deleted yet; and when the first of them may go, in Unix ms. */
  readonly waiting: PrunedObjects & { readonly nextAtMs: number | null };
  /** Bytes that nobody wants in objects that stay. */
  readonly unusedBytes: number;
  /** Index objects that were replaced, and notices that were used up. */
  readonly indexesReplaced: number;
  readonly noticesEnded: number;
  /** False when credit ran out: what was deleted is deleted, and the rest is left for another time. */
  readonly complete: boolean;
}

export interface PruneParts {
  readonly store: AccountStore;
  readonly machineId: PeerId;
}

/**
 * Safe beside any number of runs and other prunes, and after a crash at any step; the argument is in docs/decisions
 * (prune), and its parts are: deletions follow marks that were ripe before the list was taken, marks are never taken
 * back, and nothing is deleted whose wanted chunks were not read from unmarked objects.
 *
 * throws   object_unavailable | chunk_missing | ... when a part of the account cannot be read: then nothing is changed
 */
export async function runPrune(parts: PruneParts, request: PruneRequest): Promise<PruneSummary> {
  const { store } = parts;
  await store.settle(request.signal);
  const account = await readAccount(store, request.signal);
  const rules = { ...request, nowMs: account.notices.beganMs };
  // What is only told is not worth reading for.
  const plan = request.dryRun
    ? decidePrune(weighObjects(account), rules)
    : await decideProven(store, account, rules, request.signal);
  return new PruneRun(parts, request, account, plan).run();
}

class PruneRun {
  private readonly gone = new Set<ObjectId>();
  private pending = 0;
  private retained = 0;
  private readonly marked: ObjectId[] = [];
  private made: readonly StoredChunks[] = [];
  private copiedBytes = 0;
  private indexesReplaced = 0;
  private noticesEnded = 0;
  private complete = true;

  constructor(
    private readonly parts: PruneParts,
    private readonly request: PruneRequest,
    private readonly account: ReadAccount,
    private readonly plan: PrunePlan,
  ) {}

  async run(): Promise<PruneSummary> {
    const { plan, request } = this;
    if (request.dryRun) {
      for (const objectId of plan.deletes) this.gone.add(objectId);
      this.marked.push(...plan.marks, ...plan.repacks);
      return this.summary();
    }
    await this.delete(plan.deletes);
    // Nobody is kept from deleting because of a quota; what follows stores something.
    try {
      await this.mark(plan.marks);
      const failed = await this.copy();
      await this.mark(plan.repacks.filter((objectId) => !failed.has(objectId)));
      await this.replaceIndexes();
    } catch (error) {
      if (!isRefusal(error, 'credit_exceeded')) throw error;
      this.complete = false;
      request.onEvent({ kind: 'warning', code: error.code, detail: 'not everything could be marked or copied' });
    }
    await this.endNotices();
    return this.summary();
  }

  private async delete(objectIds: readonly ObjectId[]): Promise<Deletion> {
    if (objectIds.length === 0) return { deleted: [], pending: 0, retained: [] };
    const deletion = await this.parts.store.delete(objectIds, this.request.signal);
    for (const objectId of deletion.deleted) this.gone.add(objectId);
    this.pending += deletion.pending;
    this.retained += deletion.retained.length;
    return deletion;
  }

  private async mark(objects: readonly ObjectId[]): Promise<void> {
    if (objects.length === 0) return;
    const { store, machineId } = this.parts;
    const { graceMs, signal } = this.request;
    await publishNotice(store, { notice: 'mark', machineId, graceMs, objects: [...objects] }, signal);
    this.marked.push(...objects);
  }

  /**
   * Returns what could not be copied whole: it stays, unmarked or as marked as it was.
   *
   * First the copies, then the index that tells where they are; the mark comes after: at each step all can be found.
   */
  private async copy(): Promise<ReadonlySet<ObjectId>> {
    const { store } = this.parts;
    const { plan, account, request } = this;
    const { map, live } = account;
    const repacks = new Set(plan.repacks);
    const copied = new Set<number>();
    const isWanted = (chunkId: Uint8Array, source: ObjectId): boolean => {
      const position = map.index.positionOf(chunkId);
      if (position === null || copied.has(position) || !live.has(chunkId)) return false;
      const holder = map.index.get(chunkId)!.objectId;
      // Out of an unmarked object only what is looked for there; out of marked ones what only marked ones have.
      return repacks.has(source) ? holder === source : map.index.isCondemned(holder);
    };
    const sources = [...plan.rescues, ...plan.repacks];
    const wanted = { is: isWanted, had: (chunkId: Uint8Array) => copied.add(map.index.positionOf(chunkId)!) };
    const { made, failed } = await repackChunks({ store, map }, sources, wanted, request.signal);
    for (const [objectId, { code }] of failed) {
      request.onEvent({ kind: 'warning', code, detail: `what is needed of ${objectId} could not be copied` });
    }
    this.made = made;
    this.copiedBytes = this.made.reduce((sum, { entries }) => sum + storedBytesOf(entries), 0);
    if (this.made.length > 0) await publishIndex(store, this.made, request.signal);
    return new Set(failed.keys());
  }

  /**
   * An index that names what is gone is read in vain by everybody, again and again. A new one, which is safe before the
   * old ones go, names the rest: everything that is listed, and what may be listed yet.
   */
  private async replaceIndexes(): Promise<void> {
    const { store } = this.parts;
    const { map, listed, notices } = this.account;
    const isGone = (objectId: ObjectId, indexId: ObjectId): boolean => {
      if (this.gone.has(objectId)) return true;
      if (listed.has(objectId)) return false;
      const isOld = timeOf(listed.get(indexId)!.createdAt) + LATE_REPORT_MS_MAX <= notices.beganMs;
      return isOld || notices.ripeMs.has(objectId);
    };
    // What indexes differ about, and cannot be asked yet, is left to all of them.
    const stale = [...map.namedBy].filter(
      ([indexId, names]) => names.some((name) => isGone(name, indexId)) && !names.some((name) => map.isDisputed(name)),
    );
    if (stale.length === 0) return;
    const kept = new Set(stale.flatMap(([indexId, names]) => names.filter((name) => !isGone(name, indexId))));
    if (kept.size > 0) {
      const objects = [...kept].values();
      await publishIndex(store, directoriesOf(objects, map), this.request.signal);
    }
    const { deleted } = await this.delete(stale.map(([indexId]) => indexId));
    this.indexesReplaced = deleted.length;
  }

  /** Marks whose objects are all gone, and holds that have ended. What cannot be had may be a mark, and stays. */
  private async endNotices(): Promise<void> {
    const { notices, listed } = this.account;
    const isStored = (objectId: ObjectId): boolean => listed.has(objectId) && !this.gone.has(objectId);
    const living = new Set(notices.holds.map(({ id }) => id));
    const ended = notices.stored.filter(({ id, notice }) =>
      // While an index names what is gone, the mark tells the next prune that it will not come back.
      notice.notice === 'mark' ? this.complete && !notice.objects.some(isStored) : !living.has(id),
    );
    const { deleted } = await this.delete([...ended.map(({ id }) => id), ...notices.meaningless]);
    this.noticesEnded = deleted.length;
  }

  private summary(): PruneSummary {
    const { account, plan, request } = this;
    const isContent = ({ kind }: ListedObject): boolean => kind === 'data' || kind === 'tree';
    const stored = [...account.listed.values()].filter(isContent);
    const waits = [...plan.waits, ...plan.deletes.filter((objectId) => !this.gone.has(objectId))];
    const newRipeMs = account.notices.beganMs + request.graceMs;
    const times = [
      ...plan.waits.map((objectId) => account.notices.ripeMs.get(objectId)!),
      ...(this.marked.length === 0 ? [] : [newRipeMs]),
    ];
    return {
      dryRun: request.dryRun,
      snapshots: account.snapshots.length,
      stored: this.count(stored.map(({ objectId }) => objectId)),
      deleted: this.count(stored.map(({ objectId }) => objectId).filter((objectId) => this.gone.has(objectId))),
      pending: this.pending,
      retained: this.retained,
      marked: this.count(this.marked),
      repacked: {
        objects: request.dryRun ? plan.repacks.length + plan.rescues.length : this.made.length,
        bytes: this.copiedBytes,
      },
      waiting: {
        ...this.count([...waits, ...this.marked]),
        nextAtMs: times.length === 0 ? null : times.reduce((first, ms) => Math.min(first, ms)),
      },
      unusedBytes: plan.unusedBytes,
      indexesReplaced: this.indexesReplaced,
      noticesEnded: this.noticesEnded,
      complete: this.complete,
    };
  }

  private count(objectIds: readonly ObjectId[]): PrunedObjects {
    const { listed } = this.account;
    const bytes = objectIds.reduce((sum, objectId) => sum + (listed.get(objectId)?.sizeBytes ?? 0), 0);
    return { objects: objectIds.length, bytes };
  }
}

function* directoriesOf(objectIds: Iterable<ObjectId>, map: ReadAccount['map']): Generator<StoredChunks> {
  for (const objectId of objectIds) {
    const directory = map.directoryOf(objectId);
    if (directory === null) throw new ProtocolError('internal', { objectId });
    yield { objectId, ...directory };
  }
}

function storedBytesOf(entries: StoredChunks['entries']): number {
  return entries.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
}
