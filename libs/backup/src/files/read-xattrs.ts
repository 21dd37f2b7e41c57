// Reads the extended attributes of entries, and tells of those that cannot be kept. What is missing never stops a backup.
import { XATTR_NAME_BYTES_MAX, XATTR_VALUE_BYTES_MAX, XATTRS_BYTES_MAX, XATTRS_MAX } from '../trees/tree-limits.js';
import { errnoOf } from './disk-failure.js';
import { type FileOrPath, type Libc, libc, type Xattr } from './libc.js';

/**
 * path        the first entry on which it was met
 * attribute   its name; empty when an entry's list of names could not be read, null when this machine cannot read any
 * reason      an errno, or "too large", or why the calls are missing
 */
export interface XattrProblem {
  readonly path: Buffer;
  readonly attribute: string | null;
  readonly reason: string;
}

/** Kinds of problems that one run tells; a disk of strange attributes must not bury everything else. */
const PROBLEMS_TOLD_MAX = 100;
/** The list of names, or a value, has no room in what the kernel can answer: it never will. */
const TOO_LARGE: ReadonlySet<string> = new Set(['E2BIG', 'ERANGE']);

export class XattrReader {
  private readonly told = new Set<string>();
  private isWhole = true;

  /** tell   called once for each kind of problem, which is an attribute and a reason */
  constructor(
    private readonly tell: (problem: XattrProblem) => void,
    private readonly calls: Pick<Libc, 'missing' | 'listXattrs' | 'getXattr'> = libc(),
  ) {}

  /** Whether the last `read` missed nothing that another one could find: not what is too large, or of a machine that has no attributes. */
  get lastWasWhole(): boolean {
    return this.isWhole;
  }

  /**
   * All attributes in byte order of their names; undefined when there are none.
   *
   * at     the open file where it is open anyway, else the path, whose last step is not followed
   * path   for people
   */
  read(at: FileOrPath, path: Buffer): readonly Xattr[] | undefined {
    const { missing } = this.calls;
    this.isWhole = true;
    if (missing !== null) return this.tellOnce({ path, attribute: null, reason: missing });
    const names = this.attempt(path, '', () => this.calls.listXattrs(at)) ?? [];
    if (names.length === 0) return undefined;

    const xattrs: Xattr[] = [];
    let sizeBytes = 0;
    for (const name of names) {
      const text = name.toString();
      const value = this.attempt(path, text, () => this.calls.getXattr(at, name));
      // It was taken away since the list was read.
      if (value === null) continue;
      sizeBytes += name.length + value.length;
      if (isTooLarge(name, value) || sizeBytes > XATTRS_BYTES_MAX || xattrs.length === XATTRS_MAX) {
        sizeBytes -= name.length + value.length;
        this.tellOnce({ path, attribute: text, reason: 'too large' });
        continue;
      }
      xattrs.push({ name, value });
    }
    return xattrs.length === 0 ? undefined : xattrs;
  }

  private attempt<T>(path: Buffer, attribute: string, call: () => T): T | null {
    try {
      return call();
    } catch (error) {
      const errno = errnoOf(error);
      if (!TOO_LARGE.has(errno)) this.isWhole = false;
      this.tellOnce({ path, attribute, reason: errno });
      return null;
    }
  }

  private tellOnce(problem: XattrProblem): undefined {
    const kind = `${problem.attribute} ${problem.reason}`;
    if (this.told.has(kind) || this.told.size >= PROBLEMS_TOLD_MAX) return;
    this.told.add(kind);
    this.tell(problem);
  }
}

function isTooLarge(name: Buffer, value: Buffer): boolean {
  return name.length > XATTR_NAME_BYTES_MAX || value.length > XATTR_VALUE_BYTES_MAX;
}
