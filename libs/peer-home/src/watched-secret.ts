// A secret file that another process of ours may replace: parsed once, and again when it is another file.
import { statSync } from 'node:fs';
import { readSecretFileSync } from '#process';
import { ProtocolError } from '#protocol';

export class WatchedSecret<T> {
  private seen: { version: string; value: T } | null = null;

  constructor(
    private readonly path: string,
    private readonly parse: (text: string) => T,
  ) {}

  /**
   * What the file holds at this moment. Costs one stat when nothing changed.
   *
   * throws home_corrupt (missing or damaged), secret_file_exposed
   */
  read(): T {
    try {
      return this.current();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      throw new ProtocolError('home_corrupt', { file: this.path }, { cause: error });
    }
  }

  /** The same of a file that need not be there; null when it is not. */
  readIfThere(): T | null {
    try {
      return this.current();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return null;
    }
  }

  private current(): T {
    const version = versionOf(this.path);
    if (this.seen?.version === version) return this.seen.value;
    const value = this.parse(readSecretFileSync(this.path).toString('utf8'));
    // A file replaced between stat and read is seen under the older version, and so read once more next time.
    this.seen = { version, value };
    return value;
  }
}

/** Files are replaced by rename, so a new content has a new inode; the times catch the reuse of one. */
function versionOf(path: string): string {
  const { ino, mtimeNs, ctimeNs, size } = statSync(path, { bigint: true });
  return `${ino}.${mtimeNs}.${ctimeNs}.${size}`;
}
