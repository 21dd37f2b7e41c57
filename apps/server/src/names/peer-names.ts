// The names of peers (F2): unique, claimed once, kept for good, so that a link to a peer never leads to another one.
import { strict as assert } from 'node:assert';
import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { changeOne } from '#database';
import { Clock } from '#process';
import type { PeerId } from '#protocol';
import { NAME_CLAIMS_MAX } from '../limits.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { isFreeToClaim, suffixedName } from './decide-name.js';

@Injectable()
export class PeerNames {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
  ) {}

  /** The name of a peer; null for one that has none, being a relay or older than names are. */
  async find(peerId: PeerId): Promise<string | null> {
    return findName(this.database.reads, peerId);
  }

  async ownerOf(name: string): Promise<PeerId | null> {
    const [row] = await this.database.reads.query<{ peer_id: PeerId }[]>(
      'SELECT peer_id FROM peer_names WHERE name = $1',
      [name],
    );
    return row?.peer_id ?? null;
  }

  /** The name of a peer, which has one from then on. name: what it is called itself */
  async findOrClaim(peerId: PeerId, name: string): Promise<string> {
    return (await this.find(peerId)) ?? this.database.write((db) => this.claim(db, peerId, name));
  }

  /** In the unit that enrols the peer. The same peer again keeps what it has. */
  async claim(db: EntityManager, peerId: PeerId, name: string): Promise<string> {
    const kept = await findName(db, peerId);
    if (kept !== null) return kept;
    if (isFreeToClaim(name) && (await this.insert(db, peerId, name))) return name;
    for (let tries = 0; tries < NAME_CLAIMS_MAX; tries++) {
      const suffixed = suffixedName(name, randomBytes(4));
      if (await this.insert(db, peerId, suffixed)) return suffixed;
    }
    // A try misses once in a million for each peer of that name: so many misses are a fault of ours.
    assert.fail('no name was free');
  }

  /** False where somebody has the name: one conditional statement, so that of two who claim it one gets it. */
  private insert(db: EntityManager, peerId: PeerId, name: string): Promise<boolean> {
    return changeOne(
      db,
      'INSERT INTO peer_names (name, peer_id, claimed_at_ms) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING',
      [name, peerId, this.clock.nowMs()],
    );
  }
}

async function findName(db: EntityManager, peerId: PeerId): Promise<string | null> {
  const [row] = await db.query<{ name: string }[]>('SELECT name FROM peer_names WHERE peer_id = $1', [peerId]);
  return row?.name ?? null;
}
