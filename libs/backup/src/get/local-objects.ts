/**
 * The sealed objects that this machine needs again and again, kept on its own disk: lists of folders, indexes,
 * snapshots and notices, never data. A cache: whoever deletes the folder loses time, nothing else.
 *
 * One file an object, called by its id: the bytes as they lie on hosts, and behind them a 32-byte HMAC-SHA256 of the
 * id and the bytes under the cache key. A file that does not bear it is dropped and counts as not there. A file is
 * written aside and renamed; no fsync, because the HMAC finds what a power cut left. The time of a file is that of its
 * last use, and the least recently used go first when the bound is passed.
 */
import { createHmac } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Log } from '#process';
import { equalInConstantTime, isUuidV7, type ObjectId } from '#protocol';
import { errnoOf } from '../files/disk-failure.js';
import { OBJECT_PADDED_BYTES_MAX } from '../limits.js';
import type { ObjectKind } from '../objects/object-codec.js';

/** About the folder lists of ten million files. */
export const LOCAL_OBJECTS_BYTES_MAX = 4 * 1024 * 1024 * 1024;
/** Evicting goes on to this part of the bound, so that not every object that comes makes another one leave. */
const KEPT_SHARE = 0.9;
const MAC_BYTES = 32;
const NEW_SUFFIX = '.new';

export interface LocalObjectsOptions {
  /** Made when it is missing. */
  readonly folder: string;
  /** DataKeys.cacheKey */
  readonly cacheKey: Uint8Array;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly log: Pick<Log, 'warn' | 'debug'>;
  readonly bytesMax?: number;
}

export class LocalObjects {
  private readonly bytesMax: number;
  /** Bytes in the folder; null until somebody has counted. */
  private keptBytes: number | null = null;
  /** A disk that refused once is not asked to write again by this process. */
  private readOnly = false;
  private tail: Promise<void> = Promise.resolve();

  constructor(private readonly options: LocalObjectsOptions) {
    this.bytesMax = options.bytesMax ?? LOCAL_OBJECTS_BYTES_MAX;
  }

  /** Whether there is a file; reading it may still find it damaged. */
  async has(objectId: ObjectId): Promise<boolean> {
    try {
      await stat(this.pathOf(objectId));
      return true;
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') this.tellTrouble('local_object_unreadable', error);
      return false;
    }
  }

  /** The sealed bytes of an object, exactly as they were kept; null when they are not here. */
  async read(objectId: ObjectId): Promise<Buffer | null> {
    const path = this.pathOf(objectId);
    try {
      const file = await readWhole(path);
      const bytes = file.subarray(0, Math.max(file.length - MAC_BYTES, 0));
      if (file.length > MAC_BYTES && this.isGenuine(objectId, bytes, file.subarray(bytes.length))) {
        await this.touch(path);
        return bytes;
      }
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') this.tellTrouble('local_object_unreadable', error);
      return null;
    }
    this.options.log.debug({ event: 'local_object_dropped', objectId });
    await this.forget(objectId);
    return null;
  }

  /** Keep an object, unless it is data. Trouble of the disk is logged, and never the caller's. */
  keep(objectId: ObjectId, kind: ObjectKind, bytes: Buffer): Promise<void> {
    if (kind === 'data' || this.readOnly) return Promise.resolve();
    // One after another: the sum of bytes is counted and changed in one step.
    this.tail = this.tail.then(() => this.write(objectId, bytes));
    return this.tail;
  }

  /** What was begun is written when this resolves. */
  async settle(): Promise<void> {
    await this.tail;
  }

  /** The object was deleted, or its file is not as it was kept. */
  async forget(objectId: ObjectId): Promise<void> {
    try {
      await rm(this.pathOf(objectId), { force: true });
    } catch (error) {
      this.tellTrouble('local_object_kept', error);
    }
  }

  private async write(objectId: ObjectId, bytes: Buffer): Promise<void> {
    if (this.readOnly) return;
    const path = this.pathOf(objectId);
    try {
      this.keptBytes ??= await this.countBytes();
      await writeFile(`${path}${NEW_SUFFIX}`, [bytes, this.macOf(objectId, bytes)], { mode: 0o600 });
      await this.touch(`${path}${NEW_SUFFIX}`);
      await rename(`${path}${NEW_SUFFIX}`, path);
      this.keptBytes += bytes.length + MAC_BYTES;
      if (this.keptBytes > this.bytesMax) await this.evict();
    } catch (error) {
      this.tellTrouble('local_objects_unwritable', error);
      this.readOnly = true;
    }
  }

  /** Remove the left-overs of a process that died, and sum up the rest. */
  private async countBytes(): Promise<number> {
    await mkdir(this.options.folder, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.options.folder)) {
      if (!isUuidV7(name)) await rm(join(this.options.folder, name), { recursive: true, force: true });
    }
    return (await this.files()).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  private async evict(): Promise<void> {
    const files = (await this.files()).sort((left, right) => left.usedMs - right.usedMs);
    let keptBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    for (const { path, sizeBytes } of files) {
      if (keptBytes <= this.bytesMax * KEPT_SHARE) break;
      await rm(path, { force: true });
      keptBytes -= sizeBytes;
    }
    this.keptBytes = keptBytes;
  }

  private async files(): Promise<{ path: string; sizeBytes: number; usedMs: number }[]> {
    const files: { path: string; sizeBytes: number; usedMs: number }[] = [];
    for (const name of await readdir(this.options.folder)) {
      const path = join(this.options.folder, name);
      const { size, mtimeMs } = await stat(path);
      files.push({ path, sizeBytes: size, usedMs: mtimeMs });
    }
    return files;
  }

  private async touch(path: string): Promise<void> {
    const nowSeconds = this.options.clock.nowMs() / 1000;
    await utimes(path, nowSeconds, nowSeconds);
  }

  private isGenuine(objectId: ObjectId, bytes: Buffer, mac: Buffer): boolean {
    return equalInConstantTime(this.macOf(objectId, bytes), mac);
  }

  private macOf(objectId: ObjectId, bytes: Buffer): Buffer {
    return createHmac('sha256', this.options.cacheKey).update(`peerkeep object ${objectId}\n`).update(bytes).digest();
  }

  /** An id is a UUID in lower case: never a path of another folder. */
  private pathOf(objectId: ObjectId): string {
    return join(this.options.folder, objectId);
  }

  /** Rethrows what is no error of the disk. */
  private tellTrouble(event: string, error: unknown): void {
    this.options.log.warn({ event, errno: errnoOf(error) });
  }
}

async function readWhole(path: string): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    // A file that no object can be is not read into memory; what comes back does not bear its HMAC.
    const file = Buffer.allocUnsafeSlow(Math.min(size, OBJECT_PADDED_BYTES_MAX + MAC_BYTES));
    let end = 0;
    while (end < file.length) {
      const { bytesRead } = await handle.read(file, end, file.length - end, end);
      if (bytesRead === 0) break;
      end += bytesRead;
    }
    return file.subarray(0, end);
  } finally {
    await handle.close();
  }
}
