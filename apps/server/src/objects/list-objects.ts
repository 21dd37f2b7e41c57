// Lists an account's objects that are safe, page by page: what a new machine restores from. And those that were deleted
// and are not gone yet, so that any of its machines can ask their hosts again.
import { Injectable } from '@nestjs/common';
import { formatTime, type ListObjectsAnswer, type ListObjectsQuery, OBJECTS_PER_PAGE_MAX } from '#protocol';
import type { Caller } from '../control/caller.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { findObjectsOf } from './object-rows.js';

@Injectable()
export class ListObjects {
  constructor(private readonly database: BrokerDatabase) {}

  async run(caller: Caller, query: ListObjectsQuery): Promise<ListObjectsAnswer> {
    const limit = query.limit ?? OBJECTS_PER_PAGE_MAX;
    const found = await findObjectsOf(this.database.reads, caller.peer.accountId, {
      state: query.state ?? 'safe',
      kind: query.kind ?? null,
      after: query.after ?? null,
      // One more than asked for tells whether there is a next page.
      limit: limit + 1,
    });
    const page = found.slice(0, limit);
    const objects = page.map((object) => ({
      objectId: object.objectId,
      kind: object.kind,
      sizeBytes: object.sizeBytes,
      dataShards: object.dataShards,
      totalShards: object.totalShards,
      storedShards: object.storedShards,
      createdAt: formatTime(object.createdAtMs),
      ...(object.retainUntilMs !== null && { retainUntil: formatTime(object.retainUntilMs) }),
    }));
    return { objects, next: found.length > limit ? (page.at(-1)?.objectId ?? null) : null };
  }
}
