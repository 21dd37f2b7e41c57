// Where a shard lies: HOME/shards/ab/<64 hex digits>; beside it, while it is written, <64 hex digits>.<run>-<n>.tmp;
// and without a row, for some days, HOME/shards/trash/ab/<64 hex digits>.<Unix ms at which it came there>.
import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { type ContentId, contentIdBytes, decodeHex, encodeBase64url, encodeHex, type UnixMs } from '#protocol';

const SHARD_NAME = /^[0-9a-f]{64}$/;
const TEMPORARY_NAME = /^[0-9a-f]{64}\.([0-9a-f]{16})-\d+\.tmp$/;
const TRASHED_NAME = /^[0-9a-f]{64}\.(\d{1,15})$/;

/** The 256 folders, each named by the first byte of the content ids in it. */
export const SHARD_FOLDERS: readonly string[] = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));

export interface ShardPath {
  readonly folder: string;
  readonly file: string;
}

export function shardPath(directory: string, cid: ContentId): ShardPath {
  const name = encodeHex(contentIdBytes(cid));
  const folder = join(directory, name.slice(0, 2));
  return { folder, file: join(folder, name) };
}

/** `runId`, 16 hex digits, is of this process alone: what carries another one was left by a process that is gone. */
export function temporaryPath(path: ShardPath, runId: string, number: number): string {
  assert(/^[0-9a-f]{16}$/.test(runId));
  return `${path.file}.${runId}-${number}.tmp`;
}

/** The trash of one of the folders: on the same file system, so that going there is a rename. */
export function trashFolder(directory: string, folder: string): string {
  return join(directory, 'trash', folder);
}

export function trashedName(name: string, atMs: UnixMs): string {
  return `${name}.${atMs}`;
}

export function trashedPath(directory: string, cid: ContentId, atMs: UnixMs): string {
  const name = encodeHex(contentIdBytes(cid));
  return join(trashFolder(directory, name.slice(0, 2)), trashedName(name, atMs));
}

/** When a file came into the trash; null for one that was not put there by this program. */
export function readTrashedName(name: string): UnixMs | null {
  const atMs = TRASHED_NAME.exec(name)?.[1];
  return atMs === undefined ? null : Number(atMs);
}

export type FoundName =
  | { readonly kind: 'shard'; readonly cid: ContentId }
  | { readonly kind: 'temporary'; readonly runId: string }
  | { readonly kind: 'foreign' };

/** What a name in one of the folders stands for. */
export function readName(name: string): FoundName {
  const runId = TEMPORARY_NAME.exec(name)?.[1];
  if (runId !== undefined) return { kind: 'temporary', runId };
  const bytes = SHARD_NAME.test(name) ? decodeHex(name) : null;
  return bytes === null ? { kind: 'foreign' } : { kind: 'shard', cid: encodeBase64url(bytes) as ContentId };
}
