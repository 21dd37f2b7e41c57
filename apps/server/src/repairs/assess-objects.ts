// Looks at objects as repair sees them: which shards are sound, which are to be rebuilt elsewhere, and how urgent that is.
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { placeholders } from '#database';
import { Clock } from '#process';
import type { ObjectId, PeerId, PeerState } from '#protocol';
import { MeasuredChurn } from '../churn/measured-churn.js';
import {
  findObjects,
  findShards,
  type StoredObject,
  type StoredShard,
  shardsByObject,
} from '../objects/object-rows.js';
import { OnlineHosts } from '../placement/online-hosts.js';
import { Settings } from '../platform/settings.js';
import { decideRepair, type RepairDecision } from './decide-repair-order.js';
import { type HostStanding, isStarting, standingOf } from './host-standing.js';
import { RepairPace } from './repair-pace.js';

export interface MissingShard {
  readonly shard: StoredShard;
  /** Who has it no more, or is to have it no more. */
  readonly hostId: PeerId | null;
  /** It is still stored where it is not counted on, and moves; else it has no host. */
  readonly isMove: boolean;
  /** Its host leaves, and has it: nothing is lost. */
  readonly isLeaving: boolean;
}

export interface AssessedObject {
  readonly object: StoredObject;
  readonly shards: readonly StoredShard[];
  /** At hosts that are there, leaving ones too. */
  readonly sources: readonly StoredShard[];
  readonly sound: number;
  readonly away: number;
  /** To be rebuilt at other hosts. A shard that was never stored is its owner's to put: nobody has agreed to its price. */
  readonly missing: readonly MissingShard[];
  readonly decision: RepairDecision;
}

@Injectable()
export class AssessObjects {
  constructor(
    private readonly clock: Clock,
    private readonly settings: Settings,
    private readonly hosts: OnlineHosts,
    private readonly churn: MeasuredChurn,
    private readonly pace: RepairPace,
  ) {}

  /** Those of the objects that exist and are not deleted. */
  async run(db: EntityManager, objectIds: readonly ObjectId[]): Promise<AssessedObject[]> {
    if (objectIds.length === 0) return [];
    const objects = [...(await findObjects(db, objectIds)).values()].filter(({ deletedAtMs }) => deletedAtMs === null);
    const shards = shardsByObject(
      await findShards(
        db,
        objects.map(({ objectId }) => objectId),
      ),
    );
    const standings = await this.standingsOf(db, [...shards.values()].flat());
    const lostBy = await findLosers(
      db,
      objects.map(({ objectId }) => objectId),
    );
    return objects.map((object) => this.assess(object, shards.get(object.objectId) ?? [], standings, lostBy));
  }

  private assess(
    object: StoredObject,
    shards: readonly StoredShard[],
    standings: ReadonlyMap<PeerId, HostStanding>,
    lostBy: ReadonlyMap<string, PeerId>,
  ): AssessedObject {
    const sources: StoredShard[] = [];
    const missing: MissingShard[] = [];
    let sound = 0;
    let away = 0;
    let placing = 0;
    for (const shard of shards) {
      const { hostId } = shard;
      if (shard.state !== 'stored' || hostId === null) {
        const isPlacing = shard.state === 'placing';
        if (shard.charge > 0 && isPlacing) placing++;
        if (shard.charge > 0 && !isPlacing) {
          const loser = lostBy.get(`${shard.objectId} ${shard.index}`) ?? null;
          missing.push({ shard, hostId: loser, isMove: false, isLeaving: false });
        }
        continue;
      }
      const standing = standings.get(hostId) ?? 'missed';
      const isOnline = this.hosts.find(hostId) !== undefined;
      if (standing === 'missed') missing.push({ shard, hostId, isMove: true, isLeaving: false });
      else if (isOnline) sound++;
      else away++;
      if (standing === 'leaving') missing.push({ shard, hostId, isMove: true, isLeaving: true });
      if (standing !== 'missed' && isOnline) sources.push(shard);
    }
    const gone = missing.filter(({ isLeaving }) => !isLeaving).length + placing;
    const decision = decideRepair(
      {
        dataShards: object.dataShards,
        totalShards: Math.max(object.dataShards, sound + away + gone),
        sound,
        away,
        lossesPerHostYear: this.churn.current().lossesPerHostYear,
        repairMs: this.pace.repairMs,
      },
      this.settings.policy.repair,
    );
    return { object, shards, sources, sound, away, missing, decision };
  }

  private async standingsOf(
    db: EntityManager,
    shards: readonly StoredShard[],
  ): Promise<ReadonlyMap<PeerId, HostStanding>> {
    const ids = [...new Set(shards.flatMap(({ hostId }) => hostId ?? []))];
    if (ids.length === 0) return new Map();
    const rows = await db.query<{ id: PeerId; state: PeerState; seen_at_ms: number | string | null }[]>(
      `SELECT id, state, seen_at_ms FROM peers WHERE id IN ${placeholders(db, ids.length)}`,
      ids,
    );
    const nowMs = this.clock.nowMs();
    const { policy, startedAtMs } = this.settings;
    const isSilenceNew = isStarting(policy, { nowMs, startedAtMs });
    const missedAfterMs = isSilenceNew ? Number.POSITIVE_INFINITY : policy.repair.missedAfterMs;
    return new Map(
      rows.map(({ id, state, seen_at_ms: seenAtMs }) => {
        const isOnline = this.hosts.find(id) !== undefined;
        const seen = { state, seenAtMs: seenAtMs === null ? null : Number(seenAtMs), isOnline };
        return [id, standingOf(seen, { nowMs, missedAfterMs })];
      }),
    );
  }
}

/** Who lost the shards that have no host, by object and index. */
async function findLosers(db: EntityManager, objectIds: readonly ObjectId[]): Promise<Map<string, PeerId>> {
  if (objectIds.length === 0) return new Map();
  const rows = await db.query<{ object_id: ObjectId; shard_index: number; lost_host_id: PeerId }[]>(
    `SELECT object_id, shard_index, lost_host_id FROM shards
     WHERE lost_host_id IS NOT NULL AND state = 'unplaced' AND object_id IN ${placeholders(db, objectIds.length)}`,
    [...objectIds],
  );
  return new Map(rows.map((row) => [`${row.object_id} ${row.shard_index}`, row.lost_host_id]));
}
