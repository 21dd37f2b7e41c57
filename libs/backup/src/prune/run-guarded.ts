// Runs a backup under a guard against prunes, again when a prune was faster, and lets the guard approve its snapshot.
import { isRefusal, type ObjectId } from '#protocol';
import type { PruneWatch } from './prune-watch.js';

/** Each run stores anew what the one before lost to a prune; that it happens again and again is a fault. */
const RUNS_MAX = 3;

/**
 * newWatch    a guard for one run
 * run         one run from the start; its snapshot is on its hosts when it resolves, or null in a dry run
 * canRepeat   whether the source can be read again
 * returns     what the last run said, and whether its snapshot is complete for good
 * throws      marked_meanwhile when even the last run was overtaken, and what `run` throws
 */
export async function runGuarded<S extends { readonly snapshotId: ObjectId | null }>(
  {
    newWatch,
    run,
    canRepeat,
  }: { newWatch: () => PruneWatch; run: (watch: PruneWatch) => Promise<S>; canRepeat: boolean },
  signal: AbortSignal,
): Promise<{ readonly summary: S; readonly confirmed: boolean }> {
  for (let runs = 1; ; runs++) {
    const watch = newWatch();
    try {
      const summary = await run(watch);
      const confirmed = summary.snapshotId === null || (await watch.afterSnapshot(summary.snapshotId, signal));
      return { summary, confirmed };
    } catch (error) {
      if (!isRefusal(error, 'marked_meanwhile') || !canRepeat || runs >= RUNS_MAX) throw error;
    } finally {
      await watch.close();
    }
  }
}
