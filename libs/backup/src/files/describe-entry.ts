// Gives restored entries what is known about them: owner, attributes, mode and times, and tells what could not be set.
import { chmodSync, chownSync, closeSync, constants, fchmodSync, fchownSync, lchownSync, openSync } from 'node:fs';
import { errnoOf } from './disk-failure.js';
import { type FileOrPath, libc, type Xattr } from './libc.js';

/** As in a tree entry: `mode` the twelve permission bits, `mtimeNs` since 1970. */
export interface RestoredMetadata {
  readonly mode: number;
  readonly mtimeNs: bigint;
  readonly uid: number;
  readonly gid: number;
  readonly xattrs?: readonly Xattr[] | undefined;
}

export type DescribedAspect = 'owner' | 'mode' | 'time' | 'attribute';

/** `attribute`: the name of the extended attribute, told for one entry of all that have this trouble with it. */
export interface DescribeProblem {
  readonly what: DescribedAspect;
  readonly errno: string;
  readonly attribute?: string;
}

/** Without its owner an entry must not lend this user's rights to others. */
export const FILE_MODE_WITHOUT_OWNER = 0o777;
export const DIRECTORY_MODE_WITHOUT_OWNER = 0o1777;

export class EntryDescriber {
  /** Attributes that could not be set, with the reason: each is told once. */
  private readonly toldAttributes = new Set<string>();

  /** restoreOwner   whether uid and gid are set */
  constructor(readonly restoreOwner: boolean) {}

  /**
   * Describe an open file or directory. Owner before attributes and mode, since changing the owner clears some of them;
   * the time last, since all else changes it.
   */
  describeOpen(descriptor: number, metadata: RestoredMetadata, modeWithoutOwner: number, tell: Tell): void {
    const owned = this.restoreOwner && attempt('owner', tell, () => fchownSync(descriptor, metadata.uid, metadata.gid));
    this.setXattrs(descriptor, metadata, owned, tell);
    attempt('mode', tell, () => fchmodSync(descriptor, metadata.mode & (owned ? 0o7777 : modeWithoutOwner)));
    attempt('time', tell, () => libc().futimensNs(descriptor, metadata.mtimeNs));
  }

  /** Describe a symbolic link itself. */
  describeLink(path: Buffer, metadata: RestoredMetadata, tell: Tell): void {
    const owned = this.restoreOwner && attempt('owner', tell, () => lchownSync(path, metadata.uid, metadata.gid));
    this.setXattrs(path, metadata, owned, tell);
    attempt('time', tell, () => libc().utimensNs(path, metadata.mtimeNs));
  }

  /** Describe a FIFO or device without opening it, which could hang or wake the device. */
  describeNode(path: Buffer, metadata: RestoredMetadata, tell: Tell): void {
    // A descriptor that stands for the place alone: the calls on /proc/self/fd act on exactly that node.
    const descriptor = openSync(path, O_PATH | (constants.O_NOFOLLOW ?? 0));
    try {
      const node = Buffer.from(`/proc/self/fd/${descriptor}`);
      const owned = this.restoreOwner && attempt('owner', tell, () => chownSync(node, metadata.uid, metadata.gid));
      this.setXattrs(path, metadata, owned, tell);
      attempt('mode', tell, () => chmodSync(node, metadata.mode & (owned ? 0o7777 : FILE_MODE_WITHOUT_OWNER)));
      attempt('time', tell, () => libc().utimensNs(path, metadata.mtimeNs));
    } finally {
      closeSync(descriptor);
    }
  }

  /** Attributes that are not stored are taken away where they are the person's: an ACL that a folder handed down, too. */
  private setXattrs(at: FileOrPath, { xattrs = [] }: RestoredMetadata, owned: boolean, tell: Tell): void {
    const { listXattrs, removeXattr, setXattr } = libc();
    const wanted = new Set(xattrs.map(({ name }) => textOf(name)));
    const present = this.attemptXattr('', tell, () => listXattrs(at)) ?? [];
    for (const name of present) {
      const text = textOf(name);
      if (wanted.has(text) || !/^(?:user\.|system\.posix_acl_)/.test(text)) continue;
      this.attemptXattr(text, tell, () => removeXattr(at, name));
    }
    for (const { name, value } of xattrs) {
      const text = textOf(name);
      // A capability on a file of this user's would lend its rights, as set-user-id would.
      if (!owned && text === 'security.capability') continue;
      this.attemptXattr(text, tell, () => setXattr(at, name, value));
    }
  }

  private attemptXattr<T>(attribute: string, tell: Tell, call: () => T): T | null {
    try {
      return call();
    } catch (error) {
      const errno = errnoOf(error);
      const kind = `${attribute} ${errno}`;
      if (!this.toldAttributes.has(kind) && this.toldAttributes.size < ATTRIBUTES_TOLD_MAX) {
        this.toldAttributes.add(kind);
        tell({ what: 'attribute', errno, attribute });
      }
      return null;
    }
  }
}

type Tell = (problem: DescribeProblem) => void;

const ATTRIBUTES_TOLD_MAX = 1_000;
/** fcntl.h of Linux. Nodes are made there only. */
const O_PATH = 0o10000000;

function attempt(what: DescribedAspect, tell: Tell, call: () => void): boolean {
  try {
    call();
    return true;
  } catch (error) {
    tell({ what, errno: errnoOf(error) });
    return false;
  }
}

function textOf(name: Uint8Array): string {
  return Buffer.from(name).toString();
}
