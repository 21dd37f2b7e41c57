// Entries that are one file under several names: the first that is restored is linked to by the others.
import { createHash } from 'node:crypto';
import type { TargetPlace } from '../files/restore-writer.js';
import type { FileEntry } from '../trees/tree-codec.js';

/** Files with several names that are remembered; those above are restored as copies. Each takes about 200 bytes. */
const FILES_REMEMBERED_MAX = 500_000;

/** A file that is whole in the target. */
export interface LinkablePlace extends TargetPlace {
  readonly identity: string;
}

/** `Waiting` is what the caller knows of an entry that waits for the first one. */
export class HardLinks<Waiting> {
  private readonly groups = new Map<string, LinkablePlace | Waiting[]>();

  /**
   * Ask what to do with an entry.
   *
   * returns   'first': restore it, and tell how it ended. 'waits': the end of the first one hands it back. A place: link
   *           to what is there. Entries that are no link, or differ from the first one in their bytes, are each a first.
   */
  join(entry: FileEntry, waiting: Waiting): 'first' | 'waits' | LinkablePlace {
    const key = linkKeyOf(entry);
    if (key === null) return 'first';
    const group = this.groups.get(key);
    if (group === undefined) {
      if (this.groups.size < FILES_REMEMBERED_MAX) this.groups.set(key, []);
      return 'first';
    }
    if (!Array.isArray(group)) return group;
    group.push(waiting);
    return 'waits';
  }

  /** The first one is whole. Returns those that waited for it. */
  arrived(entry: FileEntry, place: LinkablePlace): Waiting[] {
    return this.conclude(entry, place);
  }

  /** The first one is not there. Returns those that waited: the next of them is a first one. */
  failed(entry: FileEntry): Waiting[] {
    return this.conclude(entry, null);
  }

  private conclude(entry: FileEntry, place: LinkablePlace | null): Waiting[] {
    const key = linkKeyOf(entry);
    if (key === null) return [];
    const group = this.groups.get(key);
    if (group === undefined || !Array.isArray(group)) return [];
    if (place === null) this.groups.delete(key);
    else this.groups.set(key, place);
    return group;
  }
}

/** The same for entries that are one file: what the disk called it, and all its bytes. Null for a file with one name. */
export function linkKeyOf({ hardLink, sizeBytes, content, contentOf }: FileEntry): string | null {
  if (hardLink === undefined) return null;
  const hash = createHash('sha256').update(JSON.stringify([sizeBytes, content ?? null, contentOf ?? null]));
  return `${hardLink} ${hash.digest('base64url')}`;
}
