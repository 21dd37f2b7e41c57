// The directories of the parent snapshot, followed beside a walk of the disk: both are sorted by the bytes of names.
import { strict as assert } from 'node:assert';
import type { ProtocolError } from '#protocol';
import { isUnreadable } from '../get/loss-of-data.js';
import { TreeDecoder, type TreeEntry } from '../trees/tree-codec.js';

/** The plaintext of a stored chunk. throws what ObjectCache.chunk throws */
export type ReadChunk = (id: string) => Promise<Buffer>;

/** Holds one chunk for each directory that is open. A directory that cannot be read has nothing in it. */
export class ParentTree {
  private readonly open: (ParentFolder | null)[] = [];

  constructor(
    private readonly readChunk: ReadChunk,
    private readonly onLost: (failure: ProtocolError) => void,
  ) {}

  /** The walk enters a directory; `subtree` is that of the parent's directory of the same place, null without one. */
  enter(subtree: readonly string[] | null): void {
    this.open.push(subtree === null ? null : new ParentFolder(subtree, this.readChunk));
  }

  leave(): void {
    assert(this.open.length > 0);
    this.open.pop();
  }

  /** The parent's entry of this name in the directory entered last. Names are asked for in rising byte order. */
  async take(name: Uint8Array): Promise<TreeEntry | null> {
    return this.lookInto((folder) => folder.take(name));
  }

  /** The line of the entry that is next in the directory entered last, as it is stored; null at its end. */
  async nextLine(): Promise<Buffer | null> {
    return this.lookInto((folder) => folder.nextLine());
  }

  /** Pass over the line that `nextLine` gave. */
  passLine(): void {
    const folder = this.open.at(-1);
    assert(folder);
    folder.pass();
  }

  private async lookInto<T>(look: (folder: ParentFolder) => Promise<T | null>): Promise<T | null> {
    const folder = this.open.at(-1);
    assert(folder !== undefined);
    if (folder === null) return null;
    try {
      return await look(folder);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      this.onLost(error);
      this.open[this.open.length - 1] = null;
      return null;
    }
  }
}

class ParentFolder {
  private readonly decoder = new TreeDecoder();
  private lines: readonly Buffer[] = [];
  private position = 0;
  /** The entry of the line at `position`, once somebody asked for it. */
  private entry: TreeEntry | null = null;
  private chunksRead = 0;

  constructor(
    private readonly subtree: readonly string[],
    private readonly readChunk: ReadChunk,
  ) {}

  async take(name: Uint8Array): Promise<TreeEntry | null> {
    for (let line = await this.nextLine(); line !== null; line = await this.nextLine()) {
      this.entry ??= this.decoder.decode(line);
      const { entry } = this;
      const order = Buffer.compare(entry.name, name);
      if (order > 0) return null;
      this.pass();
      if (order === 0) return entry;
    }
    return null;
  }

  async nextLine(): Promise<Buffer | null> {
    while (this.position === this.lines.length) if (!(await this.readOn())) return null;
    return this.lines[this.position]!;
  }

  pass(): void {
    this.position++;
    this.entry = null;
  }

  private async readOn(): Promise<boolean> {
    const id = this.subtree[this.chunksRead];
    if (id === undefined) return false;
    this.chunksRead++;
    this.lines = this.decoder.lines(await this.readChunk(id));
    this.position = 0;
    return true;
  }
}
