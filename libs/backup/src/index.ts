// The public face of the backup engine.
export type { BackupSummary } from './backup/run-backup.js';
export type { CheckSummary } from './check/run-check.js';
export { BackupEngine, type EngineOptions, type ListedEntry, type Running } from './engine.js';
export { deriveDataKeys } from './keys.js';
export type { EngineEvent, OnEvent } from './ports.js';
export { type RecoveryKeyPair, recoveryKeyPair } from './recovery-key.js';
export { masterKeyFromPhrase, phraseFromMasterKey } from './recovery-phrase.js';
export type { RestoreSummary } from './restore/run-restore.js';
export type { StoredSnapshot } from './snapshots/list-snapshots.js';
export type { Snapshot } from './trees/snapshot-codec.js';
export type { TreeEntry } from './trees/tree-codec.js';
