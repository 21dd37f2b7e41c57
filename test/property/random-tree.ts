// A folder that a seed fills and changes: what people's folders hold, what only hostile ones hold, and how both change.
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { libc } from '../../libs/backup/src/files/libc.js';
import type { Seeded } from '../../libs/backup/src/prune/testing/seeded.js';

const SLASH = Buffer.from('/');
const NAME_BYTES_MAX = 255;
const XATTR = Buffer.from('user.peerkeep.test');
/** A change that must show in the ctime is made anew until the clock of the file system has gone on. */
const TICKS_MAX = 1_000_000;

interface Place {
  readonly path: Buffer;
  readonly depth: number;
  readonly isDirectory: boolean;
  readonly isFile: boolean;
}

export class RandomTree {
  private made = 0;
  /** Null until somebody tried. */
  private hasXattrs: boolean | null = null;

  /** largeBytesMax   of the few large files */
  constructor(
    readonly root: string,
    private readonly random: Seeded,
    private readonly largeBytesMax: number,
  ) {
    mkdirSync(root, { recursive: true });
  }

  grow(entries: number): void {
    for (let i = 0; i < entries; i++) this.add();
  }

  /** Change about so many things, in any of the ways listed below. */
  edit(changes: number): void {
    for (let i = 0; i < changes; i++) this.change();
  }

  private add(): void {
    const { random } = this;
    const folders = this.places().filter(({ isDirectory, depth }) => isDirectory && depth < 12);
    // As often as not into the folder that was made last, so that some become deep.
    const folder = random.chance(0.4) ? folders.at(-1)! : random.pick(folders);
    const path = Buffer.concat([folder.path, SLASH, this.newName()]);
    const kind = random.below(20);
    if (kind < 5) mkdirSync(path);
    else if (kind < 6) symlinkSync(this.linkTarget(), path);
    else if (kind < 7) libc().mkfifo(path, 0o644);
    else if (kind < 9 && this.files().length > 0) linkSync(random.pick(this.files()).path, path);
    else writeFileSync(path, this.content());
    if (kind < 6 || kind >= 9) this.touch(path, kind === 5);
  }

  private change(): void {
    const { random } = this;
    const files = this.files();
    const all = this.places().slice(1);
    if (files.length === 0 || all.length < 5) {
      this.grow(5);
      return;
    }
    const { path } = random.pick(files);
    const any = random.pick(all);
    const changes: readonly (() => void)[] = [
      () => appendFileSync(path, this.bytes(1 + random.below(3_000))),
      () => truncateSync(path, random.below(Number(lstatSync(path).size) + 1)),
      () => this.rename(any.path),
      () => rmSync(any.path, { recursive: true }),
      () => this.touch(any.path, false),
      () => this.changeUnseen(path),
      () => this.changeUnseen(path),
      () => this.changeType(any),
      () => this.setAttribute(any),
      () => this.overwrite(path),
      () => this.grow(2),
    ];
    random.pick(changes)();
  }

  private rename(path: Buffer): void {
    const folders = this.places().filter(({ isDirectory, path: to }) => isDirectory && !isBelow(to, path));
    renameSync(path, Buffer.concat([this.random.pick(folders).path, SLASH, this.newName()]));
  }

  private changeType({ path, isDirectory }: Place): void {
    rmSync(path, { recursive: true });
    if (isDirectory) writeFileSync(path, this.content());
    else mkdirSync(path);
  }

  /** Other bytes of the same number under the same mtime: only the ctime tells. */
  private changeUnseen(path: Buffer): void {
    const before = lstatSync(path, { bigint: true });
    if (before.size === 0n) return;
    for (let tick = 0; tick < TICKS_MAX; tick++) {
      const bytes = readFileSync(path);
      bytes[this.random.below(bytes.length)]! ^= 1 + this.random.below(255);
      writeFileSync(path, bytes);
      libc().utimensNs(path, before.mtimeNs);
      if (lstatSync(path, { bigint: true }).ctimeNs !== before.ctimeNs) return;
    }
    throw new Error('the clock of this file system stands still');
  }

  /** A part in the middle, so that most chunks stay what they are. */
  private overwrite(path: Buffer): void {
    const bytes = readFileSync(path);
    const piece = this.bytes(Math.min(bytes.length, 500));
    bytes.set(piece, this.random.below(bytes.length - piece.length + 1));
    writeFileSync(path, bytes);
  }

  private setAttribute({ path, isFile, isDirectory }: Place): void {
    if (!isFile && !isDirectory) return;
    if (this.hasXattrs === false) return;
    try {
      libc().setXattr(path, XATTR, this.bytes(this.random.below(40)));
      this.hasXattrs = true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOTSUP') throw error;
      this.hasXattrs = false;
    }
  }

  private touch(path: Buffer, isLink: boolean): void {
    const { random } = this;
    const isSymlink = isLink || lstatSync(path).isSymbolicLink();
    // The owner can go on: who is not root has to, too.
    const modes = lstatSync(path).isDirectory() ? [0o755, 0o700, 0o750, 0o1777, 0o2775] : [0o644, 0o600, 0o755, 0o4755];
    if (!isSymlink) chmodSync(path, random.pick(modes));
    // Before 1970, and to the nanosecond.
    const seconds = BigInt(random.below(2_000_000_000)) - 100_000_000n;
    libc().utimensNs(path, seconds * 1_000_000_000n + BigInt(random.below(1_000_000_000)));
  }

  private content(): Buffer {
    const { random } = this;
    switch (random.below(12)) {
      case 0:
        return Buffer.alloc(0);
      case 1:
        return Buffer.alloc(random.below(300_000));
      case 2:
        // Zeros between bytes, as in the image of a disk.
        return Buffer.concat([this.bytes(5_000), Buffer.alloc(100_000), this.bytes(3)]);
      case 3:
        return this.bytes(random.below(this.largeBytesMax));
      case 4:
        return Buffer.from('the same in many places\n'.repeat(400));
      default:
        return this.bytes(random.below(random.pick([20, 2_000, 40_000])));
    }
  }

  private bytes(count: number): Buffer {
    const bytes = Buffer.allocUnsafe(count);
    for (let i = 0; i + 4 <= count; i += 4) bytes.writeUInt32LE(this.random.below(2 ** 32), i);
    for (let i = count & ~3; i < count; i++) bytes[i] = this.random.below(256);
    return bytes;
  }

  private linkTarget(): Buffer {
    return this.random.pick([
      Buffer.from('nowhere'),
      Buffer.from('../../../etc/passwd'),
      Buffer.from('.'),
      Buffer.from([0x61, 0xff, 0xfe]),
    ]);
  }

  /** No two the same: each has its number. */
  private newName(): Buffer {
    const number = Buffer.from(`-${++this.made}`);
    const start = this.random.pick([
      Buffer.from('file'),
      Buffer.from('-rf'),
      Buffer.from(' two words '),
      Buffer.from('line\nbreak'),
      Buffer.from('"quotes\' and \\'),
      Buffer.from('Ünïcödé \u{1f512}'),
      Buffer.from('e\u0301'),
      Buffer.from([0xff, 0xfe, 0x80]),
      Buffer.from('.hidden'),
      Buffer.from('x'.repeat(NAME_BYTES_MAX - 10)),
    ]);
    return Buffer.concat([start, number]);
  }

  private files(): Place[] {
    return this.places().filter(({ isFile }) => isFile);
  }

  /** The root first, then everything below it. */
  private places(): Place[] {
    const root = { path: Buffer.from(this.root), depth: 0, isDirectory: true, isFile: false };
    const all: Place[] = [root];
    for (const { path, depth, isDirectory } of all) {
      if (!isDirectory) continue;
      for (const entry of readdirSync(path, { withFileTypes: true, encoding: 'buffer' }).sort(byName)) {
        const below = Buffer.concat([path, SLASH, entry.name]);
        all.push({ path: below, depth: depth + 1, isDirectory: entry.isDirectory(), isFile: entry.isFile() });
      }
    }
    return all;
  }
}

/** Remove folders whatever their modes and however deep they are. */
export function removeFolders(...folders: readonly string[]): void {
  execFileSync('rm', ['-rf', ...folders]);
}

function byName(left: { readonly name: Buffer }, right: { readonly name: Buffer }): number {
  return Buffer.compare(left.name, right.name);
}

function isBelow(path: Buffer, folder: Buffer): boolean {
  return path.equals(folder) || path.subarray(0, folder.length + 1).equals(Buffer.concat([folder, SLASH]));
}
