// What a power cut leaves of a folder: what was synced, and of the rest as much as chance wants.
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Seeded } from '../../libs/backup/src/prune/testing/seeded.js';

interface Synced {
  readonly sizeBytes: number;
  /** Of small files, which may be emptied later without a sync. */
  readonly content: Buffer | null;
}

const KEPT_BYTES_MAX = 1_000_000;

/** Watches every sync of this process by a FileHandle, from `watch` to `end`. One at a time. */
export class PowerCutDisk {
  private readonly files = new Map<bigint, Synced>();
  /** The names in a directory when it was synced, by its inode. */
  private readonly names = new Map<bigint, ReadonlySet<string>>();
  /** Called before a sync counts. */
  onSync: () => void = () => undefined;
  /** A disk that lies: its syncs of these files do nothing. */
  lies: (path: string) => boolean = () => false;

  private constructor(private readonly restore: () => void) {}

  static async watch(): Promise<PowerCutDisk> {
    const handle = await open('.', 'r');
    const prototype = Object.getPrototypeOf(handle) as Pick<FileHandle, 'sync' | 'datasync'>;
    await handle.close();
    const { sync, datasync } = prototype;
    const disk = new PowerCutDisk(() => Object.assign(prototype, { sync, datasync }));
    prototype.sync = async function (this: FileHandle): Promise<void> {
      disk.onSync();
      await disk.note(this);
      await sync.call(this);
    };
    prototype.datasync = async function (this: FileHandle): Promise<void> {
      disk.onSync();
      await disk.note(this);
      await datasync.call(this);
    };
    return disk;
  }

  end(): void {
    this.restore();
  }

  /** Copy a folder as it is found when the power is back. */
  copyAfterCut(from: string, to: string, random: Seeded): void {
    mkdirSync(to, { recursive: true });
    const durable = this.names.get(lstatSync(from, { bigint: true }).ino);
    for (const entry of readdirSync(from, { withFileTypes: true })) {
      const path = join(from, entry.name);
      if (durable?.has(entry.name) !== true && random.chance(0.3)) continue;
      if (entry.isDirectory()) this.copyAfterCut(path, join(to, entry.name), random);
      else writeFileSync(join(to, entry.name), this.contentAfterCut(path, random));
    }
  }

  private contentAfterCut(path: string, random: Seeded): Buffer {
    const content = readFileSync(path);
    const synced = this.files.get(lstatSync(path, { bigint: true }).ino);
    const safeBytes = synced?.sizeBytes ?? 0;
    if (content.length < safeBytes) return synced?.content != null && random.chance(0.5) ? synced.content : content;
    const keptBytes = safeBytes + random.below(content.length - safeBytes + 1);
    const kept = content.subarray(0, keptBytes);
    // The size of a file may come to the disk before its bytes.
    if (random.chance(0.2)) kept.fill(0, safeBytes);
    return kept;
  }

  private async note(handle: FileHandle): Promise<void> {
    const stats = await handle.stat({ bigint: true });
    const path = `/proc/self/fd/${handle.fd}`;
    if (this.lies(readlinkSync(path))) return;
    if (stats.isDirectory()) {
      this.names.set(stats.ino, new Set(readdirSync(path)));
      return;
    }
    const content = stats.size <= KEPT_BYTES_MAX ? readFileSync(path) : null;
    this.files.set(stats.ino, { sizeBytes: Number(stats.size), content });
  }
}
