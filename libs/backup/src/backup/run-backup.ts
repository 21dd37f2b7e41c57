// One backup, from the folders to a snapshot: walk, store what is new, publish the index, store the snapshot.
import { hostname as nameOfThisMachine, userInfo } from 'node:os';
import { formatTime, ProtocolError } from '#protocol';
import { compileExcludes } from '../files/path-patterns.js';
import { selectedWalk } from '../files/selected-walk.js';
import { type ResolvedRoots, resolveRoots } from '../files/walk-roots.js';
import { PROGRAM } from '../program-version.js';
import type { StoredSnapshot } from '../snapshots/list-snapshots.js';
import { CHUNK_ID_TEXT_CHARS } from '../trees/chunk-id-text.js';
import { encodeSnapshot } from '../trees/snapshot-codec.js';
import { SNAPSHOT_PATH_CHARS_MAX, SNAPSHOT_PATHS_MAX, SNAPSHOT_TAG_CHARS_MAX } from '../trees/tree-limits.js';
import type { BackupParts, BackupRequest, BackupSummary, SourceStream } from './backup-request.js';
import { BackupRun } from './backup-run.js';
import { findParent } from './find-parent.js';

export type { BackupParts, BackupRequest, BackupSummary } from './backup-request.js';

/**
 * Back up folders, or a stream. What cannot be read is told, counted and left out; everything else that fails ends the
 * run with its error, and what was stored until then is found again by the next run. There is no snapshot when no path
 * exists, or when the stream fails.
 *
 * throws   path_missing | not_enough_hosts | credit_exceeded | broker_unreachable | interrupted | local_disk | usage | ...
 */
export async function runBackup(parts: BackupParts, request: BackupRequest): Promise<BackupSummary> {
  const startedMs = parts.clock.monotonicMs();
  const source = sourceOf(request);
  const timeMs = request.timeMs ?? parts.clock.nowMs();
  const hostname = request.hostname ?? nameOfThisMachine();
  const parent = await parentOf(parts, request, { hostname, timeMs, paths: source.paths });
  const about = {
    time: formatTime(timeMs),
    hostname,
    username: userInfo().username,
    machineId: parts.machineId,
    paths: [...source.paths],
    excludes: [...(request.excludes ?? []), ...(request.excludesIgnoringCase ?? [])],
    tags: [...new Set(request.tags ?? [])],
    ...(parent !== null && { parent: parent.id }),
    program: PROGRAM,
  };
  refuseTooLong('host name', [hostname], HOSTNAME_CHARS_MAX);
  refuseTooLong('tag', about.tags, SNAPSHOT_TAG_CHARS_MAX);
  refuseTooLong('path', about.paths, SNAPSHOT_PATH_CHARS_MAX);
  refuseTooLong('pattern', about.excludes, SNAPSHOT_PATH_CHARS_MAX);
  // Tags or patterns that no snapshot can hold are refused now, and not when everything is stored.
  encodeSnapshot({ ...about, ...NOTHING_STORED });

  const marked = await parts.guard.begin(request.signal);
  const run = new BackupRun(parts, request, { parent: parent?.snapshot ?? null, marked, timeMs });
  try {
    const root = await storeSource(run, source, request, parts);
    await run.makeSafe();
    const {
      files,
      directories,
      symlinks,
      specials,
      skipped,
      sourceBytes,
      newBytes: addedBytes,
    } = run.account.summary();
    const counts = { files, directories, symlinks, specials, skipped, sourceBytes, addedBytes };
    const snapshotId = await run.storeSnapshot(encodeSnapshot({ ...about, root, ...counts }));
    return {
      ...run.account.summary(),
      snapshotId,
      parentId: parent?.id ?? null,
      dryRun: request.dryRun ?? false,
      seconds: (parts.clock.monotonicMs() - startedMs) / 1000,
    };
  } finally {
    // Nothing of this run may still be sending when the caller closes the cache.
    await run.settle();
  }
}

function refuseTooLong(what: string, texts: readonly string[], charsMax: number): void {
  if (texts.every((text) => text.length <= charsMax)) return;
  throw new ProtocolError('usage', {}, { detail: `a ${what} is longer than ${charsMax} characters` });
}

const HOSTNAME_CHARS_MAX = 255;
const NOTHING_STORED = {
  root: ['A'.repeat(CHUNK_ID_TEXT_CHARS)],
  files: 0,
  directories: 0,
  symlinks: 0,
  specials: 0,
  skipped: 0,
  sourceBytes: 0,
  addedBytes: 0,
};

/** What is backed up, and under which paths the snapshot will be known. */
type Source =
  | { readonly stream: null; readonly roots: ResolvedRoots; readonly paths: readonly string[] }
  | { readonly stream: SourceStream; readonly paths: readonly string[] };

/** Everything that is wrong with the request itself is found before anything is done. */
function sourceOf(request: BackupRequest): Source {
  compileExcludes(request.excludes ?? []);
  compileExcludes(request.excludesIgnoringCase ?? [], { ignoreCase: true });
  const stream = request.source ?? null;
  if (stream !== null) return { stream, paths: [`/${stream.name.split('/').filter(Boolean).join('/')}`] };
  const roots = resolveRoots(request.paths);
  if (roots.paths.length > SNAPSHOT_PATHS_MAX) {
    const detail = `${roots.paths.length} paths, and a snapshot has at most ${SNAPSHOT_PATHS_MAX}: name their folders`;
    throw new ProtocolError('usage', {}, { detail });
  }
  return { stream, roots, paths: roots.paths.map(String) };
}

async function parentOf(
  parts: BackupParts,
  request: BackupRequest,
  place: { hostname: string; timeMs: number; paths: readonly string[] },
): Promise<StoredSnapshot | null> {
  // A stream has no times by which anything could be known as unchanged.
  if ((request.source ?? null) !== null) return null;
  const machineId = request.hostname === undefined ? parts.machineId : null;
  const { parent: wanted = 'detect', listed, ownSnapshots: own, onEvent } = request;
  const parent = await findParent(
    parts,
    { wanted, place: { ...place, machineId }, listed, own },
    request.signal,
    (id, { code, message }) => onEvent({ kind: 'warning', code, detail: `snapshot ${id} cannot be read: ${message}` }),
  );
  if (parent === null && wanted === 'detect' && listed.some(({ kind }) => kind === 'snapshot')) {
    onEvent({ kind: 'note', detail: 'no snapshot of these paths that this home wrote itself: every file is read' });
  }
  return parent;
}

async function storeSource(
  run: BackupRun,
  source: Source,
  request: BackupRequest,
  { clock }: BackupParts,
): Promise<string[]> {
  if (source.stream !== null) return run.storeStream(source.stream);
  const { roots, missing } = source.roots;
  for (const { path, reason, errno } of missing) run.tellSkipped(path, reason, errno, 'path_missing');
  if (request.scan === true) run.estimate.scan(() => selectedWalk(roots, request), clock);
  const root = await run.storeTree(selectedWalk(roots, request));
  if (root === null) throw new ProtocolError('path_missing', {}, { detail: 'the folder cannot be read' });
  return root;
}
