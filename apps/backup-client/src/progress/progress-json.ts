// Progress for programs: restic's status and verbose_status messages. Pure.
import type { EntryEvent } from '#backup';
import { type ProgressView, shareDone } from './progress-lines.js';

/** A `status` message: restic's members, and ours where restic has none. Members that are not known are left out. */
export function statusMessage(view: ProgressView): Record<string, unknown> {
  const { filesDone, filesTotal, bytesDone, bytesTotal, remainingSeconds } = view;
  const done =
    view.activity === 'restore'
      ? { files_restored: filesDone, bytes_restored: bytesDone }
      : { files_done: filesDone, bytes_done: bytesDone };
  return {
    message_type: 'status',
    seconds_elapsed: Math.floor(view.elapsedSeconds),
    ...(remainingSeconds === null ? {} : { seconds_remaining: Math.ceil(remainingSeconds) }),
    percent_done: shareDone(view) ?? 0,
    ...(filesTotal === null ? {} : { total_files: Math.max(filesTotal, filesDone) }),
    ...(bytesTotal === null ? {} : { total_bytes: Math.max(bytesTotal, bytesDone) }),
    ...done,
    ...(view.bytesNew === null ? {} : { bytes_new: view.bytesNew }),
    ...(view.bytesPacked === null ? {} : { bytes_packed: view.bytesPacked }),
    bytes_stored: view.bytesStored,
    hosts: view.hosts,
    ...(view.errors === 0 ? {} : { error_count: view.errors }),
    ...(view.path === null ? {} : { current_files: [view.path] }),
  };
}

/** A `verbose_status` message about one entry. restic calls a changed file `modified`. */
export function verboseMessage({ action, path, bytes, bytesNew }: EntryEvent): Record<string, unknown> {
  return {
    message_type: 'verbose_status',
    action: action === 'changed' ? 'modified' : action,
    item: path,
    ...(bytes === undefined ? {} : { data_size: bytes }),
    ...(bytesNew === undefined ? {} : { data_size_new: bytesNew }),
  };
}
