// Checks that every snapshot can be restored: the hosts of its objects, their bytes when asked, its trees, and the place
// of every chunk; and tells which hosts and files are concerned by what is wrong.
import type { ErrorCode, ListedObject, ObjectId, PeerId } from '#protocol';
import type { ChunkIndexFile } from '../chunk-index-file.js';
import type { ObjectCache } from '../get/object-cache.js';
import type { ObjectFetcher } from '../get/object-fetcher.js';
import type { TreeReader } from '../get/tree-reader.js';
import type { DataKeys } from '../keys.js';
import type { OnEvent } from '../ports.js';
import type { StoredSnapshot } from '../snapshots/list-snapshots.js';
import { chooseObjects, type DataSubset } from './choose-objects.js';
import { type Concerned, findConcerned } from './concerned-files.js';
import { examineBytes, examinePlaces, type ShardFault, type ShardState } from './examine-objects.js';
import { Findings } from './findings.js';

export interface CheckRequest {
  readonly snapshots: readonly StoredSnapshot[];
  /** Snapshots that could not even be opened. */
  readonly lostSnapshots: readonly ObjectId[];
  readonly listed: readonly ListedObject[];
  /** Fetch every shard and open every chunk; of `subset` only where that is given. */
  readonly readData: boolean;
  readonly subset?: DataSubset | undefined;
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly onEvent: OnEvent;
}

export interface CheckSummary {
  readonly snapshots: number;
  readonly files: number;
  readonly objects: number;
  readonly objectsRead: number;
  readonly bytesRead: number;
  /** Objects with fewer good shards on hosts that are online than their code has. */
  readonly underReplicated: number;
  /** Objects that cannot be had now: fewer of their hosts are online than they need. */
  readonly unavailableObjects: readonly ObjectId[];
  /** Chunks that a snapshot names and no object has, folders that cannot be read, and files whose list cannot. */
  readonly missingChunks: number;
  /** Objects that could not be put together, or did not open; and snapshots that could not be read. */
  readonly damagedObjects: readonly ObjectId[];
  readonly badHosts: readonly { readonly peerId: PeerId; readonly code: ErrorCode }[];
  readonly shardFaults: Readonly<Record<ShardState, number>>;
  /** The hosts of those faults, with how many each has. */
  readonly faultyHosts: readonly { readonly peerId: PeerId; readonly state: ShardState; readonly shards: number }[];
  /** At most FINDINGS_LISTED_MAX of each; every one was told by an event, the shards that are merely away apart. */
  readonly faults: readonly ShardFault[];
  readonly concerned: readonly Concerned[];
  readonly concernedFiles: number;
  /** Every snapshot can be restored now. */
  readonly ok: boolean;
}

export interface CheckParts {
  readonly keys: DataKeys;
  readonly cache: ChunkIndexFile;
  readonly trees: TreeReader;
  readonly objects: ObjectCache;
  readonly fetcher: ObjectFetcher;
}

export async function runCheck(parts: CheckParts, request: CheckRequest): Promise<CheckSummary> {
  const { listed, signal, onEvent } = request;
  const findings = new Findings(onEvent);
  let [files, bytesRead] = [0, 0];
  const tellProgress = (): void =>
    onEvent({
      kind: 'progress',
      activity: 'check',
      filesDone: files,
      bytesDone: bytesRead,
      bytesTotal: request.readData ? toReadBytes : null,
      bytesStored: 0,
      hosts: 0,
    });
  const toRead = objectsToRead(request);
  const toReadBytes = toRead.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);

  const readIds = new Set(toRead.map(({ objectId }) => objectId));
  const unread = listed.filter(({ objectId }) => !readIds.has(objectId));
  for await (const examined of examinePlaces(parts, unread, signal)) findings.note(examined);
  for await (const examined of examineBytes(parts, toRead, signal)) {
    findings.note(examined);
    bytesRead += examined.object.sizeBytes;
    tellProgress();
  }
  const onFile = (): void => {
    files++;
    tellProgress();
  };
  const finder = { trees: parts.trees, lost: findings.lost, signal, onFile };
  const missingChunks = await findConcerned(
    { ...finder, onConcerned: (concerned) => findings.noteConcerned(concerned) },
    request.snapshots,
  );
  const damaged = [...new Set([...request.lostSnapshots, ...findings.damagedObjects])];
  return {
    snapshots: request.snapshots.length + request.lostSnapshots.length,
    files,
    objects: listed.length,
    objectsRead: toRead.length,
    bytesRead,
    ...findings.summary(),
    missingChunks,
    damagedObjects: damaged,
    badHosts: [...parts.fetcher.badHosts].map(([peerId, code]) => ({ peerId, code })),
    ok: missingChunks === 0 && damaged.length === 0 && findings.lost.size === 0,
  };
}

function objectsToRead({ readData, subset, listed, random }: CheckRequest): readonly ListedObject[] {
  if (!readData) return [];
  return subset === undefined ? listed : chooseObjects(listed, subset, random);
}
