// What a restore is asked for, and what it works with.
import type { Clock } from '#process';
import type { ErrorCode, PeerId } from '#protocol';
import type { RestoreWriter } from '../files/restore-writer.js';
import type { TargetDirectory } from '../files/target-directories.js';
import type { FetchedBytes } from '../get/neighbour-gets.js';
import type { ObjectCache } from '../get/object-cache.js';
import type { TreeReader } from '../get/tree-reader.js';
import type { DataKeys } from '../keys.js';
import type { OnEvent } from '../ports.js';
import type { Snapshot } from '../trees/snapshot-codec.js';
import type { ChooseEntry, EntryPatterns } from './choose-entries.js';
import type { OverwritePolicy } from './decide-overwrite.js';
import type { RestoreCounts, RestoreTally } from './restore-tally.js';

/**
 * What a person asks of a restore, beside the snapshot.
 *
 * folder      of the snapshot, "/a/b": only what is below it is restored, and patterns count from there
 * overwrite   what becomes of what is there; without it, and without `deletes`, the target must be new or empty, or
 *             hold what an earlier run of the same restore left unfinished
 * deletes     remove from restored folders what the snapshot does not have there, as far as the patterns choose it
 * dryRun      change nothing, and tell what would be done
 * sparse      leave holes for blocks of zeros in files that are made anew
 * verify      read back what was written
 */
export interface RestoreOrder extends EntryPatterns {
  readonly target: string;
  readonly folder?: string;
  readonly overwrite?: OverwritePolicy;
  readonly deletes?: boolean;
  readonly dryRun?: boolean;
  readonly sparse?: boolean;
  readonly verify?: boolean;
}

export interface RestoreRequest extends RestoreOrder {
  readonly snapshot: Snapshot;
  readonly signal: AbortSignal;
  readonly onEvent: OnEvent;
}

export interface RestoreSummary extends Readonly<RestoreCounts> {
  readonly seconds: number;
  readonly badHosts: readonly { readonly peerId: PeerId; readonly code: ErrorCode }[];
  /** Bytes of shards, by the way on which they came. */
  readonly fetched: Readonly<FetchedBytes>;
}

export interface RestoreParts {
  readonly keys: DataKeys;
  readonly trees: TreeReader;
  readonly objects: ObjectCache;
  /** Hosts that failed so far, with the last code of each. */
  readonly badHosts: ReadonlyMap<PeerId, ErrorCode>;
  /** What came so far, by whichever way. */
  readonly fetcher: { readonly fetched: Readonly<FetchedBytes> };
  readonly clock: Clock;
  /** The client's folder in the home. */
  readonly folder: string;
}

/** Where an entry goes: a directory, or in a dry run one that is not there yet. */
export type RestorePlace = TargetDirectory | 'absent';

/** What the parts of one restore share. */
export interface RestoreRun {
  readonly parts: RestoreParts;
  readonly request: RestoreRequest;
  /** Null in a dry run whose target is not there. */
  readonly writer: RestoreWriter | null;
  readonly tally: RestoreTally;
  /** Null while nothing may be there. */
  readonly policy: OverwritePolicy | null;
  /** What the patterns choose. */
  readonly choose: ChooseEntry;
}
