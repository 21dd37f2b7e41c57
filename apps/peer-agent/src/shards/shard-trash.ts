/**
 * Deleting a shard: for TRASH_MS it lies in the trash, and counts as used.
 *
 *   1. nobody puts the cid, and nothing retains it     condemn
 *   2. its row goes from `shard` to `trash`, in the unit that burns the token; from then on it is not served
 *   3. the file goes into the trash folder              bury
 *   4. TRASH_MS later the file goes, then its row       emptySome
 *
 * A crash before 2 has deleted nothing; after 2 the sweep finds a file without a row, and does 3; before the end of 4
 * the row is still there, and 4 is done again.
 */
import { strict as assert } from 'node:assert';
import { dirname } from 'node:path';
import { Injectable } from '@nestjs/common';
import { Log } from '#process';
import {
  CLOCK_SKEW_MS_MAX,
  type ContentId,
  formatTime,
  ProtocolError,
  type TokenItem,
  TRASH_MS,
  type UnixMs,
  type VerifiedToken,
} from '#protocol';
import { SWEEP_WAIT_MS, TRASH_FILES_AT_ONCE, TRASH_PAUSE_MS, TRASH_REST_MS } from '../limits.js';
import { AgentDatabase } from '../state/agent-database.js';
import { HostTime } from '../state/host-time.js';
import type { ClaimedItem } from '../tokens/replay-list.js';
import { ShardFiles } from './shard-files.js';
import { ShardIndex, type TrashedBy, type TrashedShard } from './shard-index.js';
import { shardPath, trashedPath } from './shard-path.js';
import { SpaceLedger } from './space-ledger.js';
import { ShardPlace } from './sweep-leftovers.js';
import { UnsettledShards } from './unsettled-shards.js';

declare const deleted: unique symbol;

/** The claimed shard may go, and is nobody else's until it is buried. Made in this file only. */
export interface DeletedShard extends Pick<ClaimedItem, 'token' | 'item' | 'use'> {
  readonly atMs: UnixMs;
  readonly [deleted]: true;
}

@Injectable()
export class ShardTrash {
  private readonly leave = new WeakMap<DeletedShard, () => void>();
  private hasMore = true;

  constructor(
    private readonly place: ShardPlace,
    private readonly files: ShardFiles,
    private readonly database: AgentDatabase,
    private readonly index: ShardIndex,
    private readonly unsettled: UnsettledShards,
    private readonly space: SpaceLedger,
    private readonly time: HostTime,
    private readonly log: Log,
  ) {}

  /** How long to wait before `emptySome` is called again. */
  get pauseMs(): number {
    if (this.time.brokerNowMs() === null) return SWEEP_WAIT_MS;
    return this.hasMore ? TRASH_PAUSE_MS : TRASH_REST_MS;
  }

  /** Why the token may not delete the shard now: shard_unknown | shard_put_again | shard_retained; null when it may. */
  async refusalOf(token: VerifiedToken, { cid, sizeBytes }: TokenItem): Promise<ProtocolError | null> {
    if ((await this.index.sizeOf(cid)) !== sizeBytes) return new ProtocolError('shard_unknown');
    // A token lives for up to a day: what was permitted or, under an older token, stored since it was made is wanted.
    // The times of permission are the broker's; that of storing is ours, so it must be later beyond doubt.
    const { permittedMs, storedMs } = await this.index.newestPut(cid);
    if (permittedMs > token.issuedAtMs || storedMs > token.issuedAtMs + CLOCK_SKEW_MS_MAX)
      return new ProtocolError('shard_put_again');
    const retainedUntilMs = await this.index.retainedUntilMs(cid);
    // Only the broker's time ends a promise: a local clock that runs ahead would break it.
    if (retainedUntilMs <= (this.time.brokerNowMs() ?? 0)) return null;
    return new ProtocolError('shard_retained', { retainUntil: formatTime(retainedUntilMs) });
  }

  /** Wait for those that put the shard, then keep them away until `bury`. Throws what refusalOf names. */
  async condemn({ token, item }: ClaimedItem): Promise<DeletedShard> {
    const leave = await this.unsettled.takeAlone(item.cid);
    try {
      const refusal = await this.refusalOf(token, item);
      if (refusal !== null) throw refusal;
    } catch (error) {
      leave();
      throw error;
    }
    // Without the broker's time, the latest that it can be: the trash is never emptied early.
    const atMs = this.time.brokerNowMs() ?? token.expiresAtMs + CLOCK_SKEW_MS_MAX;
    const shard = { token, item, atMs } as DeletedShard;
    this.leave.set(shard, leave);
    return shard;
  }

  /** The unit is committed, and the file follows; or it is not, and nothing has happened. Never throws. */
  async bury(shard: DeletedShard, committed: boolean): Promise<void> {
    const leave = this.leave.get(shard);
    assert(leave !== undefined);
    this.leave.delete(shard);
    if (committed) {
      this.space.deleted();
      await this.moveFile(shard);
    }
    leave();
  }

  /**
   * Put a spoiled shard into the trash, if it is still spoiled when nobody else can touch it. Nothing until the broker has
   * told the time.
   */
  async discard(cid: ContentId, isSpoiled: () => Promise<boolean>): Promise<void> {
    await this.trashOwn(cid, '', isSpoiled);
  }

  /** As discard, of a shard that the broker does not know, and that may still go then. Returns whether it went. */
  putAway(cid: ContentId, mayGo: () => Promise<boolean>): Promise<boolean> {
    return this.trashOwn(cid, 'keep-filter', mayGo);
  }

  /** What was put away is to be here again, unless it was put again meanwhile, or has gone. Returns whether it is. */
  async takeBack(trashed: TrashedShard): Promise<boolean> {
    const { cid, deletedMs } = trashed;
    const leave = await this.unsettled.takeAlone(cid);
    try {
      if (await this.index.has(cid)) return false;
      const { file, folder } = shardPath(this.place.directory, cid);
      // As a put: the file first. A crash in between leaves a file without a row, which the sweep takes to the trash again.
      await this.files.rename(trashedPath(this.place.directory, cid, deletedMs), file);
      await this.files.syncFolder(folder);
      const isBack = await this.database.writes.run((db) => this.index.takeBack(db, trashed));
      if (isBack) this.space.takenBack();
      return isBack;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      // The trash was emptied meanwhile.
      return false;
    } finally {
      leave();
    }
  }

  private async trashOwn(cid: ContentId, by: TrashedBy, mayGo: () => Promise<boolean>): Promise<boolean> {
    const atMs = this.time.brokerNowMs();
    if (atMs === null) return false;
    const leave = await this.unsettled.takeAlone(cid);
    try {
      const sizeBytes = await this.index.sizeOf(cid);
      if (sizeBytes === null || !(await mayGo())) return false;
      await this.database.writes.run((db) => this.index.moveOwnToTrash(db, { cid, sizeBytes }, by, atMs));
      this.space.deleted();
      await this.moveFile({ item: { cid, sizeBytes } });
      return true;
    } finally {
      leave();
    }
  }

  /** Remove what has lain for TRASH_MS by the broker's time, the oldest first, a part of it; nothing until that is known. */
  async emptySome(): Promise<void> {
    const nowMs = this.time.brokerNowMs();
    if (nowMs === null) return;
    const found = await this.index.trashedBefore(nowMs - TRASH_MS, TRASH_FILES_AT_ONCE);
    for (const trashed of found) {
      await this.files.remove(trashedPath(this.place.directory, trashed.cid, trashed.deletedMs));
      const gone = await this.database.writes.run((db) => this.index.removeFromTrash(db, trashed));
      if (gone) this.space.emptied(trashed.sizeBytes);
    }
    this.hasMore = found.length === TRASH_FILES_AT_ONCE;
  }

  /** A file that cannot be moved stays where it is, without a row: the sweep comes for it. */
  private async moveFile({ item }: Pick<DeletedShard, 'item'>): Promise<void> {
    const { file } = shardPath(this.place.directory, item.cid);
    try {
      const deletedMs = await this.index.deletedAtMs(item.cid);
      assert(deletedMs !== null);
      const trashed = trashedPath(this.place.directory, item.cid, deletedMs);
      await this.files.makeFolder(dirname(trashed));
      await this.files.rename(file, trashed);
    } catch (error) {
      this.log.warn({ event: 'trash_left_to_sweep', err: error });
    }
  }
}
