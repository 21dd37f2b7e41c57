// What a backup asks of whoever watches over deletions, so that nothing a snapshot names is deleted under it.
import type { ObjectId } from '#protocol';

/**
 * One guard a run. A backup calls it in this order:
 *
 * 1. `begin`, once, after the local index is level with the broker and before anything is compared with it.
 * 2. `relyOn`, for every object that the coming snapshot will need: one that holds a chunk which is not stored again, and
 *    each data and tree object that the run stores itself (no snapshot names it yet: a prune may take it for a left-over).
 *    It is told often, and may be told of one object again.
 * 3. `beforeSnapshot`, once, when everything else is safe on its hosts and the snapshot is not sent yet.
 * 4. `afterSnapshot`, once, when the snapshot is on its hosts and before the run calls it complete.
 *
 * A dry run calls `begin` alone. A run that ends early calls nothing more. The signal of `begin` ends its later looks.
 */
export interface PruneGuard {
  /**
   * The objects that are marked for deletion. Their chunks count as not stored: the run stores them again in objects of
   * its own, and never tells `relyOn` of a marked object.
   */
  begin(signal: AbortSignal): Promise<ReadonlySet<ObjectId>>;

  /** The snapshot will need this object. Cheap: it only remembers. */
  relyOn(objectId: ObjectId): void;

  /**
   * Resolves when the objects that were told to `relyOn` are not about to be deleted: those that were marked since
   * `begin` are held. From here to the end of `afterSnapshot` may take any time.
   *
   * throws   marked_meanwhile when it is too late for one of them, and then no snapshot is written: a new run, with a new
   *          guard, stores again what is on it
   */
  beforeSnapshot(signal: AbortSignal): Promise<void>;

  /**
   * Tell the broker of the snapshot, see it in the list, and look a last time (docs/decisions, prune): only what this
   * has approved is complete for good.
   *
   * returns  false when the broker cannot be asked or does not list the snapshot yet: then it may become complete later,
   *          and the run must not call it so
   * throws   marked_meanwhile when something of it is being deleted; the snapshot is deleted again
   */
  afterSnapshot(snapshotId: ObjectId, signal: AbortSignal): Promise<boolean>;
}

/** For an account in which nobody deletes. */
export const NO_PRUNES: PruneGuard = {
  begin: async () => new Set(),
  relyOn: () => undefined,
  beforeSnapshot: async () => undefined,
  afterSnapshot: async () => true,
};
