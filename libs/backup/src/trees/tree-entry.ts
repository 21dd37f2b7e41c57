// What a snapshot keeps of one entry of a directory, and the bounds that every entry keeps. Pure.
import type { DeviceNumber } from '../files/device-number.js';
import type { Xattr } from '../files/libc.js';
import { CHUNK_ID_TEXT_CHARS } from './chunk-id-text.js';
import {
  CONTENT_CHUNKS_MAX,
  LINK_TARGET_BYTES_MAX,
  NAME_BYTES_MAX,
  SUBTREE_CHUNKS_MAX,
  XATTR_NAME_BYTES_MAX,
  XATTR_VALUE_BYTES_MAX,
  XATTRS_BYTES_MAX,
  XATTRS_MAX,
} from './tree-limits.js';

/**
 * What every entry has. `name` is raw bytes; `mode` the twelve permission bits; times in ns since 1970, signed. `xattrs`
 * stand in byte order of their names, each name once; none is no list.
 */
export interface EntryMetadata {
  readonly name: Uint8Array;
  readonly mode: number;
  readonly mtimeNs: bigint;
  readonly uid: number;
  readonly gid: number;
  readonly xattrs?: readonly Xattr[];
}

/**
 * Exactly one of `content` (chunk ids of the file) and `contentOf` (ids of the chunks that hold those ids).
 *
 * ctimeNs, inode   what the disk said: a later backup takes the file for unchanged only while they are the same
 * hardLink         "<device>:<inode>" of a file with several names. Entries of one snapshot with the same text are one
 *                  file; each carries the content
 */
export interface FileEntry extends EntryMetadata {
  readonly type: 'file';
  readonly sizeBytes: number;
  readonly content?: readonly string[];
  readonly contentOf?: readonly string[];
  readonly ctimeNs?: bigint;
  readonly inode?: bigint;
  readonly hardLink?: string;
}

export interface DirectoryEntry extends EntryMetadata {
  readonly type: 'dir';
  readonly subtree: readonly string[];
}

export interface SymlinkEntry extends EntryMetadata {
  readonly type: 'symlink';
  readonly linkTarget: Uint8Array;
}

/** What no bytes belong to. `device` is there for the two devices and for nothing else. */
export interface SpecialEntry extends EntryMetadata {
  readonly type: 'fifo' | 'socket' | 'chardev' | 'blockdev';
  readonly device?: DeviceNumber;
}

export type TreeEntry = FileEntry | DirectoryEntry | SymlinkEntry | SpecialEntry;

/** A user, group or device number. */
export const NUMBER_MAX = 2 ** 32 - 1;
/** Times have at most nineteen decimal digits. */
export const TIME_NS_END = 10n ** 19n;
export const INODE_END = 2n ** 64n;
/** Two numbers below 2^64 have at most twenty digits each. */
export const HARD_LINK_TEXT = /^(?:0|[1-9][0-9]{0,19}):(?:0|[1-9][0-9]{0,19})$/;

/** True for a list of attributes that an entry may have. */
export function isXattrList(xattrs: readonly Xattr[]): boolean {
  if (xattrs.length < 1 || xattrs.length > XATTRS_MAX) return false;
  let bytes = 0;
  for (const [position, { name, value }] of xattrs.entries()) {
    if (name.length < 1 || name.length > XATTR_NAME_BYTES_MAX || name.includes(0)) return false;
    if (value.length > XATTR_VALUE_BYTES_MAX) return false;
    if (position > 0 && Buffer.compare(xattrs[position - 1]!.name, name) >= 0) return false;
    bytes += name.length + value.length;
  }
  return bytes <= XATTRS_BYTES_MAX;
}

/** Every rule of an entry, without the cost of a schema: it is asked for every file of every backup. */
export function keepsBounds(entry: TreeEntry): boolean {
  const { name, mode, uid, gid, mtimeNs, xattrs } = entry;
  return (
    name.length >= 1 &&
    name.length <= NAME_BYTES_MAX &&
    Number.isInteger(mode) &&
    mode >= 0 &&
    mode <= 0o7777 &&
    isNumber(uid) &&
    isNumber(gid) &&
    isTime(mtimeNs) &&
    (xattrs === undefined || isXattrList(xattrs)) &&
    ownMembersKeepBounds(entry)
  );
}

function ownMembersKeepBounds(entry: TreeEntry): boolean {
  switch (entry.type) {
    case 'file':
      return fileKeepsBounds(entry);
    case 'dir':
      return entry.subtree.length >= 1 && entry.subtree.length <= SUBTREE_CHUNKS_MAX && areIds(entry.subtree);
    case 'symlink':
      return entry.linkTarget.length <= LINK_TARGET_BYTES_MAX;
    case 'fifo':
    case 'socket':
      return entry.device === undefined;
    case 'chardev':
    case 'blockdev':
      return entry.device !== undefined && isNumber(entry.device.major) && isNumber(entry.device.minor);
  }
}

function fileKeepsBounds({ sizeBytes, content, contentOf, ctimeNs, inode, hardLink }: FileEntry): boolean {
  if ((content === undefined) === (contentOf === undefined)) return false;
  const ids = content ?? contentOf ?? [];
  return (
    Number.isSafeInteger(sizeBytes) &&
    sizeBytes >= 0 &&
    (sizeBytes === 0) === (ids.length === 0) &&
    ids.length <= CONTENT_CHUNKS_MAX &&
    areIds(ids) &&
    (ctimeNs === undefined || isTime(ctimeNs)) &&
    (inode === undefined || (inode >= 0n && inode < INODE_END)) &&
    (hardLink === undefined || HARD_LINK_TEXT.test(hardLink))
  );
}

function isNumber(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= NUMBER_MAX;
}

function isTime(timeNs: bigint): boolean {
  return timeNs > -TIME_NS_END && timeNs < TIME_NS_END;
}

function areIds(ids: readonly string[]): boolean {
  for (const id of ids) if (id.length !== CHUNK_ID_TEXT_CHARS) return false;
  return true;
}
