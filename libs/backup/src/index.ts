// The public face of the backup engine.
export type { BackupSummary, BackupWish, SourceStream } from './backup/backup-request.js';
export type { WantedParent } from './backup/find-parent.js';
export { type DataSubset, parseDataSubset } from './check/choose-objects.js';
export type { Concerned } from './check/concerned-files.js';
export type { ShardFault, ShardState } from './check/examine-objects.js';
export type { CheckSummary } from './check/run-check.js';
export { ARCHIVE_FORMATS, type ArchiveFormat, type DumpOrder, type DumpSummary } from './dump/run-dump.js';
export { BackupEngine } from './engine.js';
export type { Running, WantedSnapshot, WantedSnapshots } from './engine-call.js';
export type { EngineOptions } from './engine-parts.js';
export type { DiffSide, DiffSummary, SnapshotChange } from './explore/diff-snapshots.js';
export type { FindWish, FoundEntry } from './explore/find-entries.js';
export type { ListedEntry } from './explore/list-entries.js';
export { type AccountBytes, type SnapshotStats, STATS_MODES, type StatsMode } from './explore/measure-snapshots.js';
export {
  type InternalParts,
  type ObjectDocument,
  readChunk,
  readIndexDocument,
  readObjectDocument,
  readTreeStream,
} from './explore/read-internals.js';
export { CACHE_TAG, type TagFile } from './files/entry-selection.js';
export { expandGlob } from './files/expand-glob.js';
export { hostileReason } from './files/hostile-names.js';
export {
  expandVariables,
  linesOfListFile,
  linesOfVerbatimFile,
  pathsOfRawFile,
  textOfListFile,
} from './files/list-files.js';
export { parseTagFile } from './files/tag-file.js';
export { type ForgetPolicy, isEmptyPolicy, parseKeepCount, parseSpan } from './forget/forget-policy.js';
export type { CalendarSpan } from './forget/local-calendar.js';
export type { ForgetSummary, ForgottenGroup } from './forget/run-forget.js';
export { deriveDataKeys } from './keys.js';
export { openKit } from './kit/kit-file.js';
export { KIT_FILE_BYTES_MAX } from './kit/kit-limits.js';
export { kitFolderOf, openKitEngine } from './kit/open-kit-engine.js';
export type { RecoveryKit } from './kit/recovery-kit.js';
export { type KnownWay, readWays } from './known-ways.js';
export type { Activity, EngineEvent, EntryEvent, OnEvent, ProgressEvent } from './ports.js';
export { GRACE_MS_DEFAULT, GRACE_MS_MAX, MIN_AGE_MS_DEFAULT } from './prune/prune-limits.js';
export type { PruneRequest, PruneSummary } from './prune/run-prune.js';
export { type RecoveryKeyPair, recoveryKeyPair } from './recovery-key.js';
export { masterKeyFromPhrase, phraseFromMasterKey } from './recovery-phrase.js';
export type { RepairSummary, RepairWish } from './repair/run-repair.js';
export { OVERWRITE_POLICIES, type OverwritePolicy } from './restore/decide-overwrite.js';
export type { RestoreOrder, RestoreSummary } from './restore/restore-parts.js';
export { BackupScheduler, type SchedulerOptions } from './schedule/backup-scheduler.js';
export { type Cadence, nextDue, onCalendarOf, parseCadence } from './schedule/cadence.js';
export {
  type BackupSet,
  type ClientConfig,
  configPathOf,
  parseClientConfig,
  readClientConfig,
  writeClientConfig,
} from './schedule/client-config.js';
export type { SetStanding } from './schedule/decide-overdue.js';
export { placeMarkOf } from './schedule/place-mark.js';
export { backUpSet, isUnconfirmed, recordRun } from './schedule/run-backup-set.js';
export { type BackupRun, hasSucceeded, RunLog } from './schedule/run-log.js';
export type { LimitWish } from './schedule/transfer-limits.js';
export { readStandings, warnOfFailure, warnOfOverdue } from './schedule/warn-people.js';
export { runLocalSelfTest, type SelfCheckResult } from './self-test/run-self-test.js';
export { openShareHead, openSharePieces } from './share/open-share.js';
export { type ShareSecret, sealShare } from './share/seal-share.js';
export { type SharedFile, ShareFolder, type ShareOrder } from './share/share-folder.js';
export {
  SHARE_DOWNLOADS_DEFAULT,
  SHARE_DOWNLOADS_MAX,
  SHARE_LIFE_MS_DEFAULT,
  SHARE_LIFE_MS_MAX,
  SHARE_LIFE_MS_MIN,
} from './share/share-limits.js';
export { formatShareLink, parseShareLink, type ShareLink, sharePathOf } from './share/share-link.js';
export { EVERY_SNAPSHOT, filterSnapshots, lastOfEachPlace, type SnapshotFilter } from './snapshots/filter-snapshots.js';
export {
  type Grouping,
  type GroupKey,
  groupSnapshots,
  parseGroupings,
  type SnapshotGroup,
} from './snapshots/group-snapshots.js';
export type { StoredSnapshot } from './snapshots/list-snapshots.js';
export { parseTags } from './snapshots/parse-tags.js';
export { shortIdsOf } from './snapshots/short-ids.js';
export type { TagSummary } from './tag/run-tag.js';
export type { Snapshot } from './trees/snapshot-codec.js';
export type { TreeEntry } from './trees/tree-codec.js';
export { BackupView, type ViewNode } from './view/backup-view.js';
export type { ByteRange } from './view/read-range.js';
export { SnapshotView } from './view/snapshot-view.js';
export { encodeStep, hrefOf, parseTarget, type RequestedPath } from './view/view-href.js';
