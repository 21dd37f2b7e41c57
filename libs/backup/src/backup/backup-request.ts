// What a backup is asked to do, what it needs for that, and what it tells when it is done.

import type { Readable } from 'node:stream';
import type { PutWish } from '#broker-api';
import type { Clock } from '#process';
import type { HostWishes, ListedObject, ObjectId, PeerId } from '#protocol';
import type { ChunkIndex } from '../chunk-index.js';
import type { ChunkIndexFile } from '../chunk-index-file.js';
import type { SelectionRules } from '../files/entry-selection.js';
import type { GivenPath } from '../files/walk-roots.js';
import type { CalendarSpan } from '../forget/local-calendar.js';
import type { LocalObjects } from '../get/local-objects.js';
import type { ObjectCache } from '../get/object-cache.js';
import type { DataKeys } from '../keys.js';
import type { RandomBytes } from '../objects/shuffle.js';
import type { BrokerPort, OnEvent } from '../ports.js';
import type { ObjectUploader } from '../put/object-uploader.js';
import type { UnchangedRules } from './decide-unchanged.js';
import type { WantedParent } from './find-parent.js';
import type { PruneGuard } from './prune-guard.js';

/** A stream that is backed up as one file, of any size. `name` may lead through folders: "dumps/db.sql". */
export interface SourceStream {
  readonly name: string;
  readonly stream: Readable;
}

/**
 * What a person asks for. All but the paths has a default.
 *
 * paths      files and folders; none with `source`
 * excludes   and the rest of the rules: what is left out (entry-selection.ts)
 * parent     by default the last snapshot that this home wrote of the same paths
 * hostname   by default the name of this machine
 * timeMs     of the snapshot; by default the present
 * dryRun     send and write nothing, and tell what a run would do
 * retain     nobody can delete what the snapshot needs before this span is over
 * durability the class of what is stored anew; by default the broker's
 * regions    and `group`: which hosts get what is stored anew; by default any
 * scan       without a parent, count beside the run how much there is, for its progress
 */
export interface BackupWish extends SelectionRules, Partial<UnchangedRules>, HostWishes {
  readonly paths: readonly GivenPath[];
  readonly source?: SourceStream | null;
  readonly parent?: WantedParent;
  readonly tags?: readonly string[];
  readonly hostname?: string;
  readonly timeMs?: number;
  readonly dryRun?: boolean;
  readonly scan?: boolean;
  readonly retain?: CalendarSpan;
  readonly durability?: string;
}

/** Only what is asked for: an older broker knows no classes and no wishes. */
export function putWishOf({
  durability,
  regions,
  group,
}: Pick<BackupWish, 'durability' | 'regions' | 'group'>): PutWish {
  return {
    ...(durability !== undefined && { durability }),
    ...((regions ?? group) !== undefined && {
      wishes: { ...(regions !== undefined && { regions }), ...(group !== undefined && { group }) },
    }),
  };
}

export interface BackupRequest extends BackupWish {
  /** Every object of the account. */
  readonly listed: readonly ListedObject[];
  /** Snapshots that this home wrote itself: a parent is looked for among them. */
  readonly ownSnapshots: readonly ObjectId[];
  /** The chunks that need not be stored again; by default all that the cache knows. */
  readonly relyOn?: Pick<ChunkIndex, 'storedIn'>;
  readonly signal: AbortSignal;
  readonly onEvent: OnEvent;
}

/** How many entries are not in the parent, are there otherwise, and are there as they are. */
export interface ComparedCounts {
  readonly new: number;
  readonly changed: number;
  readonly unmodified: number;
}

export interface BackupSummary {
  /** Null after a dry run. */
  readonly snapshotId: ObjectId | null;
  readonly parentId: ObjectId | null;
  readonly dryRun: boolean;
  readonly files: number;
  readonly directories: number;
  readonly symlinks: number;
  readonly specials: number;
  readonly comparedFiles: ComparedCounts;
  readonly comparedDirectories: ComparedCounts;
  readonly sourceBytes: number;
  /** Bytes of file content and trees that were not stored before, as they are, and as they are packed: compressed, sealed. */
  readonly newBytes: number;
  readonly packedBytes: number;
  /** Bytes that now lie on hosts for this run, redundancy and padding included. */
  readonly storedBytes: number;
  readonly skipped: number;
  readonly objects: number;
  readonly hosts: number;
  readonly seconds: number;
}

export interface BackupParts {
  readonly keys: DataKeys;
  readonly cache: ChunkIndexFile;
  readonly objects: ObjectCache;
  readonly local: Pick<LocalObjects, 'keep' | 'settle'>;
  readonly broker: Pick<BrokerPort, 'redundancy'>;
  readonly uploader: Pick<ObjectUploader, 'store' | 'hosts'>;
  readonly guard: PruneGuard;
  readonly machineId: PeerId;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly newObjectId: () => ObjectId;
}
