// Lists the objects of an account that are due for repair, for its own machines: they have the data, or may get it.
import { Injectable } from '@nestjs/common';
import {
  formatTime,
  OBJECTS_PER_PAGE_MAX,
  type ObjectId,
  type OwnRepairsAnswer,
  type OwnRepairsQuery,
} from '#protocol';
import type { Caller } from '../control/caller.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { AssessObjects } from './assess-objects.js';
import { isDue } from './repair-queue.js';

/** Each object is looked at anew, with all of its shards. */
const PER_PAGE = Math.min(100, OBJECTS_PER_PAGE_MAX);

@Injectable()
export class OwnRepairs {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly assess: AssessObjects,
  ) {}

  /** One that a worker is at is left out: two would do the same. */
  async run(caller: Caller, { after, limit }: OwnRepairsQuery): Promise<OwnRepairsAnswer> {
    const most = Math.min(limit ?? PER_PAGE, PER_PAGE);
    const rows = await this.database.reads.query<{ object_id: ObjectId }[]>(
      `SELECT object_id FROM repairs WHERE account_id = $1 AND object_id > $2 AND state = 'waiting'
       ORDER BY object_id LIMIT ${most + 1}`,
      [caller.peer.accountId, after ?? ''],
    );
    const page = rows.slice(0, most).map((row) => row.object_id);
    const due = (await this.assess.run(this.database.reads, page)).filter(isDue);
    const repairs = due.map(({ object, missing }) => ({
      object: {
        objectId: object.objectId,
        kind: object.kind,
        sizeBytes: object.sizeBytes,
        dataShards: object.dataShards,
        totalShards: object.totalShards,
        storedShards: object.storedShards,
        createdAt: formatTime(object.createdAtMs),
      },
      shards: missing.map(({ shard, hostId, isMove }) => ({ index: shard.index, peerId: isMove ? hostId : null })),
    }));
    return { repairs, next: rows.length > most ? page.at(-1)! : null };
  }
}
