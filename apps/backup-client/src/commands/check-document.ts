// The summary of a check as programs read it: restic's members where there are such, and ours beside them. Pure.
import type { CheckSummary, Concerned } from '#backup';

export function checkDocument(summary: CheckSummary) {
  const { away, unplaced, missing, damaged } = summary.shardFaults;
  return {
    message_type: 'summary',
    num_errors: summary.missingChunks + summary.damagedObjects.length + summary.unavailableObjects.length,
    broken_objects: summary.damagedObjects,
    unavailable_objects: summary.unavailableObjects,
    missing_chunks: summary.missingChunks,
    snapshots: summary.snapshots,
    files: summary.files,
    objects: summary.objects,
    objects_read: summary.objectsRead,
    bytes_read: summary.bytesRead,
    under_replicated: summary.underReplicated,
    shards: { away, unplaced, missing, damaged },
    hosts: summary.faultyHosts.map(({ peerId, state, shards }) => ({ host: peerId, state, shards })),
    faults: summary.faults
      .filter(({ state }) => state === 'missing' || state === 'damaged')
      .map(({ objectId, index, peerId, state }) => ({ object: objectId, shard: index, host: peerId, state })),
    bad_hosts: summary.badHosts.map(({ peerId, code }) => ({ host: peerId, code })),
    num_files_concerned: summary.concernedFiles,
    files_concerned: summary.concerned.map(concernedDocument),
    suggest_repair: summary.underReplicated > 0 || !summary.ok,
    ok: summary.ok,
  };
}

export function concernedDocument({ path, snapshotId, objectId, failure }: Concerned) {
  return { path, snapshot_id: snapshotId, ...(objectId === null ? {} : { object: objectId }), code: failure.code };
}
