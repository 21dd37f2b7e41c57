// Machines that add and never delete: whoever has stolen one cannot destroy the history that is stored. Every machine of
// the account may make one so; only a person who is signed in lets it delete again.
import { Injectable } from '@nestjs/common';
import { type EntityManager, In } from 'typeorm';
import { changeOne } from '#database';
import { Clock, Log } from '#process';
import { type AccountId, type PeerId, ProtocolError } from '#protocol';
import { BrokerDatabase } from '../platform/broker-database.js';
import { PeerEntity } from './peer.entity.js';

interface OwnedPeer {
  readonly peerId: PeerId;
  readonly byAccount: AccountId;
}

@Injectable()
export class AppendOnly {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** In force when this resolves; again: since the first time. throws peer_unknown, also for a peer of another account */
  async set({ peerId, byAccount }: OwnedPeer): Promise<PeerEntity> {
    const nowMs = this.clock.nowMs();
    return this.change({ peerId, byAccount }, (since) => since ?? nowMs);
  }

  /** For the person's pages only: no message of a machine leads here. throws peer_unknown */
  async lift(peer: OwnedPeer): Promise<PeerEntity> {
    return this.change(peer, () => null);
  }

  private async change(
    { peerId, byAccount }: OwnedPeer,
    next: (sinceMs: number | null) => number | null,
  ): Promise<PeerEntity> {
    return this.database.write(async (db) => {
      const peer = await db.findOneBy(PeerEntity, { id: peerId });
      if (peer === null || peer.accountId !== byAccount) throw new ProtocolError('peer_unknown');
      const appendOnlyAtMs = next(peer.appendOnlyAtMs);
      await changeOne(db, 'UPDATE peers SET append_only_at_ms = $1 WHERE id = $2', [appendOnlyAtMs, peerId]);
      this.log.info({ event: 'peer_append_only', peerId, appendOnly: appendOnlyAtMs !== null });
      return { ...peer, appendOnlyAtMs };
    });
  }
}

/** Read in the unit that deletes, so that nothing comes in between. throws peer_append_only */
export async function requireRightToDelete(db: EntityManager, peerId: PeerId): Promise<void> {
  const peer = await db.findOneBy(PeerEntity, { id: peerId });
  if (peer?.appendOnlyAtMs !== null) throw new ProtocolError('peer_append_only');
}

/** Those of these machines that may not delete; read in the unit that this decides. */
export async function findAppendOnly(db: EntityManager, peerIds: readonly PeerId[]): Promise<ReadonlySet<PeerId>> {
  if (peerIds.length === 0) return new Set();
  const peers = await db.findBy(PeerEntity, { id: In(peerIds) });
  return new Set(peers.filter(({ appendOnlyAtMs }) => appendOnlyAtMs !== null).map(({ id }) => id));
}

/**
 * Since when a machine is append-only that nobody but the holder of the recovery phrase let in: as the account's machines
 * are. The phrase's key lies on each of them, so a thief of one could else enrol a machine of their own, and delete.
 */
export async function appendOnlyOfRecovered(
  db: EntityManager,
  accountId: AccountId,
  nowMs: number,
): Promise<number | null> {
  const rows = await db.query<unknown[]>(
    'SELECT 1 FROM peers WHERE account_id = $1 AND append_only_at_ms IS NOT NULL LIMIT 1',
    [accountId],
  );
  return rows.length === 0 ? null : nowMs;
}
