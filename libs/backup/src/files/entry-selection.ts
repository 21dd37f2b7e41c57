// What a backup leaves out: by pattern, by a tag file in the folder, by size, and what lies on another file system.
import { closeSync, constants, lstatSync, openSync, readSync } from 'node:fs';
import { errnoOf } from './disk-failure.js';
import type { EntryStat } from './entry-stat.js';
import { compileExcludes } from './path-patterns.js';

/** A file that, by being there, leaves out everything else in its folder; with a header only when it begins with that. */
export interface TagFile {
  readonly name: string;
  readonly header: string;
}

/** The cache directory tag of bford.info/cachedir. */
export const CACHE_TAG: TagFile = { name: 'CACHEDIR.TAG', header: 'Signature: 8a477f597d28d172789f06886806bc55' };

export interface SelectionRules {
  /** Patterns of path-patterns.ts; those of the second list ignore case. */
  readonly excludes?: readonly string[];
  readonly excludesIgnoringCase?: readonly string[];
  readonly excludeIfPresent?: readonly TagFile[];
  /** Larger files are left out. */
  readonly fileBytesMax?: number | null;
  /** Stay on the file system of each path that was given. Where another one is mounted, its folder is kept, empty. */
  readonly oneFileSystem?: boolean;
}

/** A directory that is being walked. */
interface OpenFolder {
  /** The file system to stay on; null where any will do. */
  readonly device: bigint | null;
  readonly isElsewhere: boolean;
  readonly tags: readonly string[];
}

interface Entered {
  readonly path: Buffer;
  readonly stat: EntryStat | null;
}

/**
 * Follows a walk: it is told of each directory that the walk enters and leaves, and asked about what is in the one
 * entered last, before the walk goes on.
 */
export class EntrySelection {
  private readonly isExcluded: (path: string) => boolean;
  private readonly isExcludedIgnoringCase: (path: string) => boolean;
  private readonly tagFiles: readonly TagFile[];
  private readonly fileBytesMax: number;
  private readonly oneFileSystem: boolean;
  private readonly hasPatterns: boolean;
  private readonly open: OpenFolder[] = [];

  /** throws usage for a malformed pattern */
  constructor(rules: SelectionRules) {
    this.isExcluded = compileExcludes(rules.excludes ?? []);
    this.isExcludedIgnoringCase = compileExcludes(rules.excludesIgnoringCase ?? [], { ignoreCase: true });
    this.hasPatterns = [rules.excludes, rules.excludesIgnoringCase].some((patterns) => (patterns ?? []).length > 0);
    this.tagFiles = rules.excludeIfPresent ?? [];
    this.fileBytesMax = rules.fileBytesMax ?? Number.POSITIVE_INFINITY;
    this.oneFileSystem = rules.oneFileSystem ?? false;
  }

  /** A directory's entries come next. `stat` is null for the root of several paths, which is no directory of the disk. */
  enter({ path, stat }: Entered): void {
    const device = this.oneFileSystem ? (this.open.at(-1)?.device ?? stat?.device ?? null) : null;
    const isElsewhere = device !== null && stat !== null && stat.device !== device;
    const tags = stat === null ? [] : this.tagFiles.filter((tag) => isTagged(path, tag)).map(({ name }) => name);
    this.open.push({ device, isElsewhere, tags });
  }

  leave(): void {
    this.open.pop();
  }

  /** Whether an entry of the directory entered last is left out, with all below it. `path` is absolute. */
  omits(pathBytes: Buffer): boolean {
    const folder = this.open.at(-1);
    if (folder?.isElsewhere) return true;
    const hasTags = folder !== undefined && folder.tags.length > 0;
    if (!hasTags && !this.hasPatterns) return false;
    const path = pathBytes.toString();
    if (hasTags) {
      const name = path.slice(path.lastIndexOf('/') + 1);
      if (folder.tags.some((tag) => tag !== name)) return true;
    }
    return this.isExcluded(path) || this.isExcludedIgnoringCase(path);
  }

  /** Whether an entry that is no directory is left out for what lstat said of it. */
  omitsLeaf(type: string, stat: EntryStat): boolean {
    if (type === 'file' && stat.sizeBytes > this.fileBytesMax) return true;
    const device = this.open.at(-1)?.device ?? null;
    return device !== null && stat.device !== device;
  }
}

/** A tag that cannot be read leaves nothing out: a backup of too much is better than one of too little. */
function isTagged(folder: Buffer, { name, header }: TagFile): boolean {
  const path = Buffer.concat([folder, Buffer.from(`/${name}`)]);
  try {
    lstatSync(path);
    return header === '' || startsWith(path, Buffer.from(header));
  } catch (error) {
    errnoOf(error);
    return false;
  }
}

function startsWith(path: Buffer, header: Buffer): boolean {
  // A FIFO of that name must not keep the walk waiting for a writer.
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const start = Buffer.alloc(header.length);
    return readSync(descriptor, start, 0, start.length, 0) === start.length && start.equals(header);
  } finally {
    closeSync(descriptor);
  }
}
