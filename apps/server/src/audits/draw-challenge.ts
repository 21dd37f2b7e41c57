// Draws the block that a host is asked for: any of those that it should have, by bytes, and by nothing that it foresees.
import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock } from '#process';
import type { ContentId, ObjectId, PeerId } from '#protocol';
import { AUDIT_DRAWS_MAX, AUDIT_HELD_COUNT_MS } from '../limits.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import type { Challenge } from './challenge.js';
import { drawBlock, drawShard, isChosenByBytes, type Random } from './decide-audit.js';
import { heldContents } from './held-contents.js';

/** What a host holds: how many shards now, and of what size as of AUDIT_HELD_COUNT_MS ago at most. */
export interface HeldSum {
  readonly shards: number;
  readonly bytes: number;
  readonly shardBytesMax: number;
}

interface SizesRow {
  readonly bytes: number | string | null;
  readonly most: number | string | null;
}

interface Sizes {
  readonly bytes: number;
  readonly shardBytesMax: number;
  readonly countedAtMs: number;
}

interface DrawnShard {
  readonly object_id: ObjectId;
  readonly cid: ContentId;
  readonly size_bytes: number | string;
  readonly state: string;
}

/** 53 bits of the system's randomness, in [0, 1). */
export const systemRandom: Random = () => {
  const bytes = randomBytes(8);
  return Number(bytes.readBigUInt64BE() >> 11n) / 2 ** 53;
};

@Injectable()
export class DrawChallenge {
  // At most one for every enrolled peer.
  private readonly sizes = new Map<PeerId, Sizes>();

  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
  ) {}

  async heldBy(hostId: PeerId): Promise<HeldSum> {
    // The number comes from the index alone; the sizes are read row by row, so they are kept for a while.
    const [row] = await this.database.reads.query<{ shards: number | string }[]>(
      'SELECT COUNT(*) AS shards FROM shards WHERE host_id = $1',
      [hostId],
    );
    const shards = Number(row!.shards);
    const { bytes, shardBytesMax } = await this.sizesOf(hostId, shards);
    return { shards, bytes, shardBytesMax };
  }

  /** When its sizes were last read; 0 for never. */
  countedBytes(hostId: PeerId): number {
    return this.sizes.get(hostId)?.bytes ?? 0;
  }

  /** Null for a host that holds nothing that is wanted, as far as AUDIT_DRAWS_MAX draws can tell. */
  async run(hostId: PeerId, { shards, shardBytesMax }: HeldSum): Promise<Challenge | null> {
    if (shards === 0 || shardBytesMax === 0) return null;
    let last: DrawnShard | null = null;
    for (let i = 0; i < AUDIT_DRAWS_MAX; i++) {
      const shard = await this.shardAt(hostId, drawShard(shards, systemRandom));
      if (shard === null || shard.state !== 'stored' || !(await this.isWanted(shard.object_id))) continue;
      last = shard;
      if (isChosenByBytes(Number(shard.size_bytes), shardBytesMax, systemRandom)) break;
    }
    if (last === null) return null;
    const sizeBytes = Number(last.size_bytes);
    const block = drawBlock(sizeBytes, systemRandom);
    const begunAtMs = this.clock.nowMs();
    return { hostId, cid: last.cid, sizeBytes, block, unanswered: 0, containedSinceMs: null, begunAtMs };
  }

  /** Is the content that the challenge is about still to be there? A deletion may be under way. */
  async isStillWanted({ hostId, cid }: Pick<Challenge, 'hostId' | 'cid'>): Promise<boolean> {
    return (await heldContents(this.database.reads, [{ hostId, cid }])).size > 0;
  }

  private async sizesOf(hostId: PeerId, shards: number): Promise<Sizes> {
    const nowMs = this.clock.nowMs();
    const known = this.sizes.get(hostId);
    if (known !== undefined && known.bytes > 0 && nowMs - known.countedAtMs < AUDIT_HELD_COUNT_MS) return known;
    const none = { bytes: 0, shardBytesMax: 0, countedAtMs: nowMs };
    if (shards === 0) return none;
    const [row] = await this.database.reads.query<SizesRow[]>(
      "SELECT SUM(size_bytes) AS bytes, MAX(size_bytes) AS most FROM shards WHERE host_id = $1 AND state = 'stored'",
      [hostId],
    );
    const sizes = { ...none, bytes: Number(row!.bytes ?? 0), shardBytesMax: Number(row!.most ?? 0) };
    this.sizes.set(hostId, sizes);
    return sizes;
  }

  /** The walk along the index reads no row but the last. */
  private async shardAt(hostId: PeerId, number: number): Promise<DrawnShard | null> {
    const rows = await this.database.reads.query<DrawnShard[]>(
      `SELECT object_id, cid, size_bytes, state FROM shards WHERE host_id = $1 ORDER BY cid LIMIT 1 OFFSET ${number}`,
      [hostId],
    );
    return rows[0] ?? null;
  }

  /** A host that is told to delete a shard may have done so; the broker hears of it later. */
  private async isWanted(objectId: ObjectId): Promise<boolean> {
    const rows = await this.database.reads.query<unknown[]>(
      'SELECT 1 FROM objects WHERE id = $1 AND deleted_at_ms IS NULL',
      [objectId],
    );
    return rows.length > 0;
  }
}
