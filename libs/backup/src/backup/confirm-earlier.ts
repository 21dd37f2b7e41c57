// Before a backup: has the second look at snapshots of this home that no run could confirm, and withdraws those that are not whole.
import { isRefusal, type ListedObject, type ObjectId, ProtocolError, uuidV7TimeMs } from '#protocol';
import type { ChunkIndex } from '../chunk-index.js';
import { isLossOfData } from '../get/loss-of-data.js';
import type { ObjectCache } from '../get/object-cache.js';
import type { TreeReader } from '../get/tree-reader.js';
import type { DataKeys } from '../keys.js';
import type { OnEvent } from '../ports.js';
import type { AccountStore } from '../prune/account-store.js';
import { findLiveChunks } from '../prune/live-chunks.js';
import { LATE_REPORT_MS_MAX } from '../prune/prune-limits.js';
import type { PruneWatch } from '../prune/prune-watch.js';
import { readSnapshot } from '../snapshots/list-snapshots.js';
import type { OwnSnapshots } from '../snapshots/own-snapshots.js';

export interface ConfirmParts {
  readonly own: OwnSnapshots;
  readonly reading: { readonly objects: ObjectCache; readonly keys: DataKeys; readonly trees: TreeReader };
  readonly index: ChunkIndex;
  readonly store: Pick<AccountStore, 'delete'>;
  readonly newWatch: () => PruneWatch;
  readonly nowMs: number;
  readonly onEvent: OnEvent;
}

/**
 * A snapshot that the broker lists, with everything that it needs, is confirmed. One that lacks something is deleted: its
 * run would have withdrawn it. One that is not listed, or cannot be read at present, waits for the next backup.
 *
 * listed   every object of the account; the index is as this list says
 * throws   broker_unreachable | interrupted | local_disk | ...
 */
export async function confirmEarlier(
  parts: ConfirmParts,
  listed: readonly ListedObject[],
  signal: AbortSignal,
): Promise<void> {
  const { own, nowMs } = parts;
  const snapshotIds = new Set(listed.flatMap(({ kind, objectId }) => (kind === 'snapshot' ? [objectId] : [])));
  for (const id of own.unconfirmed) {
    if (snapshotIds.has(id)) await lookAgain(parts, id, signal);
    else if (uuidV7TimeMs(id) + LATE_REPORT_MS_MAX < nowMs) await own.drop(id);
  }
}

async function lookAgain(parts: ConfirmParts, id: ObjectId, signal: AbortSignal): Promise<void> {
  const { own, onEvent } = parts;
  try {
    if (await isWhole(parts, id, signal)) await own.noteConfirmed(id);
  } catch (error) {
    // The guard has withdrawn it; what it could not delete is still listed the next time.
    if (isRefusal(error, 'marked_meanwhile')) return tellWithdrawn(onEvent, id, error);
    if (!isLossOfData(error)) throw error;
    if (error.code === 'chunk_missing') return withdraw(parts, id, error, signal);
    const detail = `snapshot ${id} is not confirmed yet, and cannot be read: ${error.message}`;
    onEvent({ kind: 'warning', code: error.code, detail });
  }
}

/** False when the broker cannot say yet. throws marked_meanwhile | chunk_missing | as a loss of data does */
async function isWhole(
  { reading, index, newWatch }: ConfirmParts,
  id: ObjectId,
  signal: AbortSignal,
): Promise<boolean> {
  const live = await findLiveChunks({ ...reading, index }, [await readSnapshot(reading, id, signal)], signal);
  const watch = newWatch();
  try {
    await watch.begin(signal);
    for (let position = 0; position < index.positions; position++) {
      if (live.hasAt(position)) watch.relyOn(index.objectAt(position));
    }
    return await watch.afterSnapshot(id, signal);
  } finally {
    await watch.close();
  }
}

async function withdraw(
  { own, store, onEvent }: ConfirmParts,
  id: ObjectId,
  cause: ProtocolError,
  signal: AbortSignal,
): Promise<void> {
  const { retained } = await store.delete([id], signal);
  if (!retained.includes(id)) await own.drop(id);
  tellWithdrawn(onEvent, id, cause);
}

function tellWithdrawn(onEvent: OnEvent, id: ObjectId, { code }: ProtocolError): void {
  const detail = `snapshot ${id} was never confirmed, and something that it needs is gone: it is withdrawn`;
  onEvent({ kind: 'warning', code, detail });
}
