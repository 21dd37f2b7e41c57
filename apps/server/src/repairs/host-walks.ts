// Which hosts changed for repair since their shards were last looked at: gone or silent for long, leaving, or back. Their
// objects are looked at again page by page; where the walk is stands in the database, so a restart goes on.
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { changeMany } from '#database';
import { Clock, Log } from '#process';
import type { ObjectId, PeerId, PeerState } from '#protocol';
import { REPAIR_OBJECTS_PER_UNIT } from '../limits.js';
import { OnlineHosts } from '../placement/online-hosts.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { standingOf } from './host-standing.js';
import { RepairQueue } from './repair-queue.js';

/** What a walk is about: a host that is shortly away changes nothing. */
type CountedAs = 'counted' | 'leaving' | 'missed';

interface Walk {
  readonly hostId: PeerId;
  readonly to: CountedAs;
  readonly after: string;
  readonly isNew: boolean;
}

@Injectable()
export class HostWalks {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly settings: Settings,
    private readonly hosts: OnlineHosts,
    private readonly queue: RepairQueue,
  ) {}

  /** At most so many pages of objects. */
  async run(pagesMax: number): Promise<void> {
    let left = pagesMax;
    for (const walk of await this.findWalks()) {
      let { after, isNew } = walk;
      for (;;) {
        if (left === 0) return;
        left--;
        const next = await this.database.write((db) => this.page(db, { ...walk, after, isNew }));
        if (next === null) break;
        after = next;
        isNew = false;
      }
      this.log.info({ event: 'repair_host_looked_at', peerId: walk.hostId, standing: walk.to });
    }
  }

  private async findWalks(): Promise<Walk[]> {
    const rows = await this.database.reads.query<
      {
        id: PeerId;
        state: PeerState;
        seen_at_ms: number | string | null;
        standing: CountedAs | null;
        walking_to: CountedAs | null;
        walked_after: string | null;
      }[]
    >(
      `SELECT p.id AS id, p.state AS state, p.seen_at_ms AS seen_at_ms, h.standing AS standing,
         h.walking_to AS walking_to, h.walked_after AS walked_after
       FROM peers p LEFT JOIN repair_hosts h ON h.host_id = p.id
       WHERE h.host_id IS NOT NULL OR EXISTS (SELECT 1 FROM shards s WHERE s.host_id = p.id)
       ORDER BY p.id`,
    );
    const { missedAfterMs } = this.settings.policy.repair;
    const nowMs = this.clock.nowMs();
    return rows.flatMap((row): Walk[] => {
      const seenAtMs = row.seen_at_ms === null ? null : Number(row.seen_at_ms);
      const isOnline = this.hosts.find(row.id) !== undefined;
      const standing = standingOf({ state: row.state, seenAtMs, isOnline }, { nowMs, missedAfterMs });
      const to = standing === 'there' || standing === 'away' ? 'counted' : standing;
      if (row.walking_to === null && (row.standing ?? 'counted') === to) return [];
      const isNew = row.walking_to !== to;
      return [{ hostId: row.id, to, after: isNew ? '' : (row.walked_after ?? ''), isNew }];
    });
  }

  /** The last object of the page; null after the last page. */
  private async page(db: EntityManager, { hostId, to, after, isNew }: Walk): Promise<string | null> {
    // What it has is counted on again: shards that a worker is bringing elsewhere stay here after all.
    if (isNew && to === 'counted') await this.cancelMoves(db, hostId);
    const rows = await db.query<{ object_id: ObjectId }[]>(
      `SELECT DISTINCT object_id FROM shards WHERE host_id = $1 AND object_id > $2
       ORDER BY object_id LIMIT ${REPAIR_OBJECTS_PER_UNIT}`,
      [hostId, after],
    );
    const objectIds = rows.map((row) => row.object_id);
    await this.queue.look(db, objectIds, this.clock.nowMs());
    const isLast = objectIds.length < REPAIR_OBJECTS_PER_UNIT;
    const end = isLast ? null : objectIds.at(-1)!;
    await changeMany(
      db,
      `INSERT INTO repair_hosts (host_id, standing, walking_to, walked_after) VALUES ($1, $2, $3, $4)
       ON CONFLICT (host_id) DO UPDATE SET standing = ${isLast ? 'excluded.standing' : 'repair_hosts.standing'},
         walking_to = excluded.walking_to, walked_after = excluded.walked_after`,
      [hostId, isLast ? to : 'counted', isLast ? null : to, end ?? ''],
    );
    return end;
  }

  private async cancelMoves(db: EntityManager, hostId: PeerId): Promise<void> {
    await changeMany(
      db,
      `UPDATE shards SET move_transaction_id = NULL, move_transaction_item = 0
       WHERE host_id = $1 AND state = 'stored'
         AND move_transaction_id IN (SELECT transaction_id FROM repair_shards)`,
      [hostId],
    );
  }
}
