/**
 * The shelf: shards that this machine fetched lately, for the next neighbour that needs them (T3, T5). A cache on disk,
 * bounded in bytes and time, shared by the processes of a home; nothing is lost with it.
 *
 *   SHELF/<64 hex digits>               the bytes of the shard, then the SHA-256 of each of its blocks of 16 KiB
 *   SHELF/<64 hex digits>.part          somebody is fetching it: bytes done, of how many, Unix ms, as text
 *   SHELF/<64 hex digits>.<pid>-<n>.tmp while it is written
 *
 * Files are named by what they hold and verified when they are read, block by block, so a spoiled one harms nobody.
 */
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Log } from '#process';
import {
  BLOCK_BYTES,
  BLOCK_HASH_BYTES,
  blocksOf,
  type ContentId,
  contentIdBytes,
  encodeHex,
  hashBlock,
} from '#protocol';
import { LAN_RULES, SHELF_BYTES_MAX, SHELF_LIFE_MS } from './lan-rules.js';

export interface ShardShelfOptions {
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly bytesMax?: number;
  readonly lifeMs?: number;
}

export interface ShelvedShard {
  readonly file: string;
  readonly sizeBytes: number;
}

/** How far a download of this machine has come. */
export interface ShelfProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/** Shards that wait to be written; past this they are not kept. */
const PENDING_BYTES_MAX = 64 * 1024 * 1024;
/** What is left of the bytes after making room, so that room is not made for every shard. */
const KEPT_SHARE = 0.9;
const PART = '.part';
const SHARD_NAME = /^[0-9a-f]{64}$/;

export class ShardShelf {
  private readonly bytesMax: number;
  private readonly lifeMs: number;
  private keptBytes: number | null = null;
  private pendingBytes = 0;
  private written = 0;
  private tail: Promise<void> = Promise.resolve();
  private isBroken = false;

  constructor(private readonly options: ShardShelfOptions) {
    this.bytesMax = options.bytesMax ?? SHELF_BYTES_MAX;
    this.lifeMs = options.lifeMs ?? SHELF_LIFE_MS;
  }

  /** bytes: with this content id; copied, if they are kept. Written after the call; trouble of the disk is logged. */
  keep(cid: ContentId, bytes: Uint8Array): void {
    if (this.isBroken || bytes.length > this.bytesMax) return;
    if (this.pendingBytes + bytes.length > PENDING_BYTES_MAX) return;
    const copy = Uint8Array.from(bytes);
    this.pendingBytes += copy.length;
    this.enqueue(() => this.write(cid, copy).finally(() => (this.pendingBytes -= copy.length)));
  }

  /** What was begun is written when this resolves. */
  async settle(): Promise<void> {
    await this.tail;
  }

  /** Where a shard lies, if it does; reading it may still find it spoiled. */
  async find(cid: ContentId): Promise<ShelvedShard | null> {
    const file = this.fileOf(cid);
    const found = await this.look(file);
    if (found === null || found.atMs + this.lifeMs <= this.options.clock.nowMs()) return null;
    const blocks = Math.ceil(found.sizeBytes / (BLOCK_BYTES + BLOCK_HASH_BYTES));
    return { file, sizeBytes: found.sizeBytes - blocks * BLOCK_HASH_BYTES };
  }

  /** Say that this machine is fetching a shard, and how far it has come; `null` that it is over. */
  noteProgress(cid: ContentId, progress: ShelfProgress | null): void {
    if (this.isBroken) return;
    const file = `${this.fileOf(cid)}${PART}`;
    this.enqueue(async () => {
      await this.open();
      if (progress === null) await rm(file, { force: true });
      else await writeFile(file, `${progress.doneBytes} ${progress.totalBytes} ${this.options.clock.nowMs()}`);
    });
  }

  /** How far this machine has come with fetching a shard; null when it is not, or has not said so for long. */
  async progressOf(cid: ContentId): Promise<ShelfProgress | null> {
    try {
      const text = await readFile(`${this.fileOf(cid)}${PART}`, 'latin1');
      const [doneBytes, totalBytes, atMs] = text.split(' ').map(Number);
      if (doneBytes === undefined || totalBytes === undefined || atMs === undefined || !(doneBytes <= totalBytes)) {
        return null;
      }
      return this.options.clock.nowMs() - atMs < LAN_RULES.silenceMsMax ? { doneBytes, totalBytes } : null;
    } catch (error) {
      this.passMissing(error);
      return null;
    }
  }

  /** Remove what is too old; for whoever runs long. */
  async sweep(): Promise<void> {
    this.enqueue(() => this.makeRoom());
    await this.tail;
  }

  private enqueue(work: () => Promise<unknown>): void {
    this.tail = this.tail.then(work).then(
      () => undefined,
      (error: NodeJS.ErrnoException) => {
        if (error.code === undefined) throw error;
        this.options.log.warn({ event: 'shelf_unwritable', errno: error.code });
        this.isBroken = true;
      },
    );
  }

  private async write(cid: ContentId, bytes: Uint8Array): Promise<void> {
    await this.open();
    const file = this.fileOf(cid);
    const temporary = `${file}.${process.pid}-${this.written++}.tmp`;
    const hashes = Array.from({ length: blocksOf(bytes.length) }, (_, i) =>
      hashBlock(bytes.subarray(i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES)),
    );
    await writeFile(temporary, [bytes, ...hashes], { mode: 0o600 });
    const nowSeconds = this.options.clock.nowMs() / 1000;
    await utimes(temporary, nowSeconds, nowSeconds);
    await rename(temporary, file);
    this.keptBytes = (this.keptBytes ?? 0) + bytes.length + hashes.length * BLOCK_HASH_BYTES;
    if (this.keptBytes > this.bytesMax) await this.makeRoom();
  }

  private async open(): Promise<void> {
    if (this.keptBytes !== null) return;
    await mkdir(this.options.folder, { recursive: true, mode: 0o700 });
    await this.makeRoom();
  }

  /** The oldest go first, and all that has had its time. Other processes write here too: counted anew each time. */
  private async makeRoom(): Promise<void> {
    const names = await readdir(this.options.folder);
    const found = await Promise.all(
      names.map(async (name) => ({
        name,
        file: join(this.options.folder, name),
        is: await this.look(join(this.options.folder, name)),
      })),
    );
    const files = found.flatMap(({ name, file, is }) => (is === null ? [] : [{ name, file, ...is }]));
    files.sort((a, b) => a.atMs - b.atMs);
    let bytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const bytesWanted = bytes > this.bytesMax ? this.bytesMax * KEPT_SHARE : bytes;
    for (const { name, file, sizeBytes, atMs } of files) {
      const isOld = atMs + this.lifeMs <= this.options.clock.nowMs();
      if (!isOld && (bytes <= bytesWanted || !SHARD_NAME.test(name))) continue;
      await rm(file, { force: true });
      bytes -= sizeBytes;
    }
    this.keptBytes = bytes;
  }

  private async look(file: string): Promise<{ sizeBytes: number; atMs: number } | null> {
    try {
      const { size, mtimeMs } = await stat(file);
      return { sizeBytes: size, atMs: mtimeMs };
    } catch (error) {
      this.passMissing(error);
      return null;
    }
  }

  private passMissing(error: unknown): void {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    if (code !== 'ENOENT') this.options.log.warn({ event: 'shelf_unreadable', errno: code });
  }

  private fileOf(cid: ContentId): string {
    return join(this.options.folder, encodeHex(contentIdBytes(cid)));
  }
}
