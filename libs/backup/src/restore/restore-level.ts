// One folder of the snapshot while its entries are restored: where it is in the target, and what the snapshot has in it.
import type { TargetDirectory } from '../files/target-directories.js';
import type { TreeEntry } from '../trees/tree-codec.js';
import type { RestorePlace } from './restore-parts.js';

/** Null: it could not be had, which was told, or the policy keeps what is there. */
type LevelPlace = RestorePlace | null;

export class RestoreLevel {
  private readonly seen = new Set<string>();
  private known: { readonly place: LevelPlace } | null = null;
  private looked: { readonly directory: TargetDirectory | null } | null = null;
  /** False once an entry of it could not be read: what is missing in the snapshot then proves nothing. */
  isComplete = true;

  /**
   * path   of the folder in the snapshot, for people; empty for the root
   * find   makes or enters the folder, called once and not before something below it is restored
   * look   enters the folder if it is there, called once when nothing was restored
   */
  constructor(
    readonly path: string,
    private readonly find: () => LevelPlace,
    private readonly look: () => TargetDirectory | null,
  ) {}

  get place(): LevelPlace {
    this.known ??= { place: this.find() };
    return this.known.place;
  }

  /** The directory as it is now, made for this or not; null when it is not there. throws local_disk */
  get directory(): TargetDirectory | null {
    if (this.known !== null) return this.known.place === 'absent' ? null : this.known.place;
    this.looked ??= { directory: this.look() };
    return this.looked.directory;
  }

  /**
   * Note an entry of the snapshot.
   *
   * returns   false when another one has its name on disks that do not tell upper from lower case
   */
  note(entry: TreeEntry): boolean {
    const name = nameOnDisk(entry.name);
    if (this.seen.has(name)) return false;
    this.seen.add(name);
    return true;
  }

  has(name: Uint8Array): boolean {
    return this.seen.has(nameOnDisk(name));
  }
}

/** What two names have in common that this system may take for one. Linux tells all bytes apart. */
function nameOnDisk(name: Uint8Array): string {
  const text = Buffer.from(name);
  return process.platform === 'linux' ? text.toString('latin1') : text.toString().normalize('NFC').toLowerCase();
}
