// A snapshot as programs read it: restic's members, and what is ours beside them. Pure.
import type { GroupKey, StoredSnapshot } from '#backup';

/** Members that restic leaves out when they are empty are left out here too. */
export function snapshotDocument({ id, snapshot }: StoredSnapshot, shortId: string) {
  const { time, parent, paths, hostname, username, tags, original } = snapshot;
  return {
    time,
    ...(parent === undefined ? {} : { parent }),
    paths,
    hostname,
    ...(username === undefined ? {} : { username }),
    ...(tags.length === 0 ? {} : { tags }),
    ...(original === undefined ? {} : { original }),
    ...(snapshot.program === undefined ? {} : { program_version: snapshot.program }),
    ...(snapshot.machineId === undefined ? {} : { machine_id: snapshot.machineId }),
    summary: {
      total_files_processed: snapshot.files,
      total_bytes_processed: snapshot.sourceBytes,
      data_added: snapshot.addedBytes,
      files_skipped: snapshot.skipped,
    },
    id,
    short_id: shortId,
  };
}

/** What a group shares, as restic writes it: an empty host name and null for what it is not grouped by. */
export function groupKeyDocument({ hostname, paths, tags }: GroupKey) {
  return { hostname: hostname ?? '', paths, tags };
}
