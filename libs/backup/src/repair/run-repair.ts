// Makes stored objects whole again: shards that their hosts have lost go to others; chunks of objects that nobody can give
// back are stored again from local files; and what stays damaged is told. Nothing is deleted here.
import type { ListedObject, ObjectId, PeerId, ProtocolError } from '#protocol';
import { chooseObjects, type DataSubset } from '../check/choose-objects.js';
import { type Concerned, findConcerned } from '../check/concerned-files.js';
import { type Examined, examineBytes, examinePlaces, type ShardFault } from '../check/examine-objects.js';
import { FINDINGS_LISTED_MAX, Findings } from '../check/findings.js';
import type { ChunkIndexFile } from '../chunk-index-file.js';
import { isLossOfData } from '../get/loss-of-data.js';
import type { ObjectCache } from '../get/object-cache.js';
import type { ObjectFetcher } from '../get/object-fetcher.js';
import type { TreeReader } from '../get/tree-reader.js';
import type { OnEvent } from '../ports.js';
import type { AccountStore } from '../prune/account-store.js';
import type { StoredSnapshot } from '../snapshots/list-snapshots.js';
import { markReplaced } from './mark-replaced.js';
import { type RestoreChunksParts, restoreChunks } from './restore-chunks.js';
import type { ShardMender } from './shard-mender.js';

/** What a person asks for. */
export interface RepairWish {
  /** Look for damage by reading every shard, or those of `subset`; else only what the broker knows is mended. */
  readonly readData: boolean;
  readonly subset?: DataSubset | undefined;
  /** Leave shards alone whose hosts are merely away: they may come back. */
  readonly ignoreAway: boolean;
  /** Where files of the snapshots may still be on this machine; none: nothing is read here. */
  readonly from: readonly string[];
  readonly dryRun: boolean;
}

export interface RepairRequest extends RepairWish {
  readonly snapshots: readonly StoredSnapshot[];
  readonly listed: readonly ListedObject[];
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly onEvent: OnEvent;
}

export interface RepairSummary {
  readonly dryRun: boolean;
  readonly objects: number;
  /** Objects that lacked shards and could be had: what was done for them, or with `dryRun` would be. */
  readonly mendedObjects: number;
  readonly mendedShards: number;
  readonly storedBytes: number;
  /** Shards that no other host could be found for. */
  readonly leftShards: number;
  /** Objects that cannot be had now, those out of which every chunk was stored anew with them: none is deleted here. */
  readonly lostObjects: readonly ObjectId[];
  /** Chunks of those that snapshots need, and how many of them local files still had. */
  readonly lostChunks: number;
  readonly recoveredChunks: number;
  /** What stays damaged, at most FINDINGS_LISTED_MAX of it; each was told by an event. */
  readonly concerned: readonly Concerned[];
  readonly concernedFiles: number;
  readonly seconds: number;
  /** Every object has all its shards, and every snapshot can be restored. */
  readonly ok: boolean;
}

export interface RepairParts extends RestoreChunksParts {
  readonly cache: ChunkIndexFile;
  readonly trees: TreeReader;
  readonly objects: ObjectCache;
  readonly fetcher: ObjectFetcher;
  readonly mender: ShardMender;
  readonly store: AccountStore;
  readonly machineId: PeerId;
  /** Read what the broker lists into the cache again. */
  readonly resync: () => Promise<readonly ListedObject[]>;
}

export async function runRepair(parts: RepairParts, request: RepairRequest): Promise<RepairSummary> {
  const startedMs = parts.clock.monotonicMs();
  const run = new RepairRun(parts, request);
  const ailing = await run.findAiling();
  await run.mendAll(ailing);
  const chunks = await run.recoverChunks();
  const remaining = await run.findRemaining();
  const { objects, shards, storedBytes, left } = run.mended;
  return {
    dryRun: request.dryRun,
    objects: request.listed.length,
    mendedObjects: objects,
    mendedShards: shards,
    storedBytes,
    leftShards: left,
    lostObjects: [...run.lost.keys()],
    ...chunks,
    ...remaining,
    seconds: (parts.clock.monotonicMs() - startedMs) / 1000,
    ok: remaining.concernedFiles === 0 && left === 0 && run.lost.size === 0,
  };
}

class RepairRun {
  /** Objects that cannot be had, with the reason. */
  readonly lost = new Map<ObjectId, ProtocolError>();
  readonly mended = { objects: 0, shards: 0, storedBytes: 0, left: 0 };

  constructor(
    private readonly parts: RepairParts,
    private readonly request: RepairRequest,
  ) {}

  /** Objects with shards to mend, those in the greatest danger first. */
  async findAiling(): Promise<Ailing[]> {
    const { listed, readData, subset, random, ignoreAway, signal, onEvent } = this.request;
    const findings = new Findings(onEvent);
    const toRead = readData ? (subset === undefined ? listed : chooseObjects(listed, subset, random)) : [];
    const readIds = new Set(toRead.map(({ objectId }) => objectId));
    const ailing: Ailing[] = [];
    const note = (examined: Examined): void => {
      findings.note(examined);
      const faults = examined.faults.filter(({ state }) => !(ignoreAway && state === 'away'));
      if (faults.length > 0 || examined.failure !== null) ailing.push({ ...examined, faults, all: examined.faults });
    };
    const unread = listed.filter(({ objectId }) => !readIds.has(objectId));
    for await (const examined of examinePlaces(this.parts, unread, signal)) note(examined);
    for await (const examined of examineBytes(this.parts, toRead, signal)) note(examined);
    return ailing.sort((left, right) => spareOf(left) - spareOf(right));
  }

  async mendAll(ailing: readonly Ailing[]): Promise<void> {
    for (const [i, each] of ailing.entries()) {
      await this.mend(each);
      const { storedBytes } = this.mended;
      const progress = { filesDone: i + 1, filesTotal: ailing.length, bytesDone: storedBytes, bytesTotal: null };
      this.request.onEvent({ kind: 'progress', activity: 'repair', ...progress, bytesStored: storedBytes, hosts: 0 });
    }
  }

  /** What snapshots need of the lost objects is looked for in local files, and stored again. */
  async recoverChunks(): Promise<{ lostChunks: number; recoveredChunks: number }> {
    const { from, dryRun, signal, onEvent } = this.request;
    const wanted = new Set<string>();
    await this.concerned(
      () => undefined,
      (chunk) => wanted.add(chunk),
    );
    if (wanted.size === 0 || from.length === 0) return { lostChunks: wanted.size, recoveredChunks: 0 };

    if (!dryRun) await this.forgetPlaces();
    const found = await restoreChunks(this.parts, { paths: from, wanted, dryRun, signal, onEvent });
    if (!dryRun) {
      await markReplaced(this.parts, { listed: this.request.listed, lost: this.lost, found, signal });
      await this.parts.resync();
    }
    return { lostChunks: wanted.size, recoveredChunks: found.size };
  }

  /** Files and folders that cannot be restored after all that was done. */
  async findRemaining(): Promise<{ concerned: readonly Concerned[]; concernedFiles: number }> {
    const findings = new Findings(this.request.onEvent);
    await this.concerned((each) => findings.noteConcerned(each));
    const { concerned, concernedFiles } = findings.summary();
    return { concerned: concerned.slice(0, FINDINGS_LISTED_MAX), concernedFiles };
  }

  private async mend({ object, faults }: Ailing): Promise<void> {
    const { signal, dryRun } = this.request;
    const { objectId } = object;
    let bytes: Buffer;
    try {
      // What this machine keeps of folders, indexes and snapshots is as good as what hosts have.
      ({ bytes } = await this.parts.objects.get(objectId, signal));
    } catch (error) {
      if (!isLossOfData(error)) throw error;
      this.lost.set(objectId, error);
      return;
    }
    if (faults.length === 0) return;
    this.mended.objects++;
    if (dryRun) {
      this.mended.shards += faults.length;
      return;
    }
    const mended = await this.parts.mender.mend(object, bytes, faults, signal);
    this.mended.shards += mended.storedShards;
    this.mended.storedBytes += mended.storedBytes;
    this.mended.left += mended.leftShards;
  }

  /**
   * Chunks whose only place is an object that is lost are no longer known, so that they are stored again. The indexes go
   * with them, in one write: the next synchronization reads what is lost from them again, also after a crash, but where
   * a chunk has another place by then that one stays.
   */
  private async forgetPlaces(): Promise<void> {
    const { listed } = this.request;
    const indexes = listed.filter(({ kind }) => kind === 'index').map(({ objectId }) => objectId);
    await this.parts.cache.forgetObjects([...this.lost.keys(), ...indexes]);
  }

  private async concerned(
    onConcerned: (concerned: Concerned) => void,
    onLostChunk: (chunk: string) => void = () => undefined,
  ): Promise<void> {
    const { snapshots, signal } = this.request;
    const finder = { trees: this.parts.trees, lost: this.lost, signal, onConcerned, onLostChunk };
    await findConcerned({ ...finder, onFile: () => undefined }, snapshots);
  }
}

interface Ailing extends Examined {
  /** Those that are to be mended, and all of them. */
  readonly all: readonly ShardFault[];
}

/** How many more shards the object can lose. */
function spareOf({ object, all }: Ailing): number {
  return object.totalShards - all.length - object.dataShards;
}
