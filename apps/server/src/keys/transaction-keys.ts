// The transaction keys of all peers: sealed in the database, unwrapped once, kept in memory.
import { strict as assert } from 'node:assert';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { changeMany, changeOne } from '#database';
import { Clock } from '#process';
import { CLOCK_SKEW_MS_MAX, type PeerId, ProtocolError, TransactionKey } from '#protocol';
import { PEERS_WITH_KEYS_IN_MEMORY_MAX } from '../limits.js';
import { PeerEntity } from '../peers/peer.entity.js';
import { PeerDirectory } from '../peers/peer-directory.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { KeyPool } from './key-pool.js';
import { KeyVault } from './key-vault.js';
import { SEALED_SECRETS } from './sealed-secrets.js';
import { type KeyState, TransactionKeyEntity } from './transaction-key.entity.js';

export interface KnownKey {
  readonly key: TransactionKey;
  readonly state: KeyState;
  readonly createdAtMs: number;
  readonly acceptedUntilMs: number | null;
  /** As it was last written down; TransactionCounts knows the rest. */
  readonly transactionCount: number;
  /** The operator wants another in its place. */
  readonly isRenewalAsked: boolean;
}

@Injectable()
export class TransactionKeys {
  // Promises, so that a read which began before a change is never stored after it.
  private readonly inMemory = new Map<PeerId, Promise<readonly KnownKey[]>>();

  constructor(
    private readonly database: BrokerDatabase,
    private readonly vault: KeyVault,
    private readonly clock: Clock,
    private readonly settings: Settings,
    private readonly pool: KeyPool,
    directory: PeerDirectory,
  ) {
    directory.whenStateChanges(({ peerId }) => this.inMemory.delete(peerId));
  }

  /** The key with which a peer may sign now; null when it has none of that id. */
  async findForMessage(peerId: PeerId, kid: string): Promise<KnownKey | null> {
    const known = (await this.keysOf(peerId)).find(({ key }) => key.kid === kid);
    if (known === undefined) return null;
    const expired = known.acceptedUntilMs !== null && known.acceptedUntilMs < this.clock.nowMs();
    return expired ? null : known;
  }

  /**
   * The key under which tokens for this host are sealed.
   *
   * throws   peer_unreachable for a peer that has none, because it was revoked a moment ago
   */
  async currentOf(peerId: PeerId): Promise<KnownKey> {
    const current = await this.findCurrent(peerId);
    if (current === null) throw new ProtocolError('peer_unreachable', { peerId });
    return current;
  }

  /** Null for a peer whose keys are destroyed. */
  async findCurrent(peerId: PeerId): Promise<KnownKey | null> {
    return (await this.keysOf(peerId)).find(({ state }) => state === 'current') ?? null;
  }

  /** Give a peer that is being enrolled its first key, in the unit that enrols it. */
  async createFirst(db: EntityManager, peerId: PeerId, nowMs: number): Promise<TransactionKey> {
    const key = this.pool.take();
    await this.insert(db, peerId, key, 'current', nowMs);
    return key;
  }

  /**
   * The next key of a peer. It stays pending until a message signed with it arrives, so a lost answer costs nothing:
   * asking again gives the same key.
   *
   * throws   peer_revoked for a peer that was revoked while it asked
   */
  async offerNext(peerId: PeerId): Promise<TransactionKey> {
    const pending = await this.database.write(async (db) => {
      const row = await db.findOneBy(TransactionKeyEntity, { peerId, state: 'pending' });
      if (row !== null) return this.unwrap(row).key;
      if (await db.existsBy(PeerEntity, { id: peerId, state: 'revoked' })) throw new ProtocolError('peer_revoked');
      const key = this.pool.take();
      await this.insert(db, peerId, key, 'pending', this.clock.nowMs());
      return key;
    });
    this.inMemory.delete(peerId);
    return pending;
  }

  /**
   * The peer has spoken with its pending key: that one becomes current. The commands and the agent of a machine share
   * its keys, and one of them may still speak with the old one; after that time its messages are refused.
   */
  async promote(peerId: PeerId, kid: string): Promise<void> {
    const nowMs = this.clock.nowMs();
    const acceptedUntilMs = nowMs + this.settings.policy.tokenLifeMs + 2 * CLOCK_SKEW_MS_MAX;
    await this.database.write(async (db) => {
      const stillPending = await db.existsBy(TransactionKeyEntity, { peerId, kid, state: 'pending' });
      if (!stillPending) return;
      await changeMany(db, 'DELETE FROM transaction_keys WHERE peer_id = $1 AND accepted_until_ms < $2', [
        peerId,
        nowMs,
      ]);
      await changeOne(
        db,
        "UPDATE transaction_keys SET state = 'previous', accepted_until_ms = $1 WHERE peer_id = $2 AND state = 'current'",
        [acceptedUntilMs, peerId],
      );
      const promoted = await changeOne(
        db,
        "UPDATE transaction_keys SET state = 'current' WHERE peer_id = $1 AND kid = $2",
        [peerId, kid],
      );
      assert(promoted);
    });
    this.inMemory.delete(peerId);
  }

  /**
   * Mark the current key of a peer as one to be renewed, in the unit of whoever decides that; then `forget` it. The peer
   * hears with its next presence. Returns false for a key that is marked already.
   */
  askForRenewal(db: EntityManager, peerId: PeerId, nowMs: number): Promise<boolean> {
    return changeOne(
      db,
      `UPDATE transaction_keys SET renewal_asked_at_ms = $1
       WHERE peer_id = $2 AND state = 'current' AND renewal_asked_at_ms IS NULL`,
      [nowMs, peerId],
    );
  }

  /** Read this peer's keys anew when they are needed next. */
  forget(peerId: PeerId): void {
    this.inMemory.delete(peerId);
  }

  private keysOf(peerId: PeerId): Promise<readonly KnownKey[]> {
    let keys = this.inMemory.get(peerId);
    if (keys === undefined) {
      keys = this.database.reads
        .findBy(TransactionKeyEntity, { peerId })
        .then((rows) => rows.map((row) => this.unwrap(row)));
      this.remember(peerId, keys);
    }
    return keys;
  }

  private remember(peerId: PeerId, keys: Promise<readonly KnownKey[]>): void {
    if (this.inMemory.size >= PEERS_WITH_KEYS_IN_MEMORY_MAX) {
      // Only a cache: what is dropped here is read again from the database.
      const [oldest] = this.inMemory.keys();
      if (oldest !== undefined) this.inMemory.delete(oldest);
    }
    this.inMemory.set(peerId, keys);
    keys.catch(() => this.inMemory.delete(peerId));
  }

  private async insert(
    db: EntityManager,
    peerId: PeerId,
    key: TransactionKey,
    state: KeyState,
    nowMs: number,
  ): Promise<void> {
    await db.insert(TransactionKeyEntity, {
      peerId,
      kid: key.kid,
      state,
      sealedKey: this.vault.seal('transaction-key', aboutKey({ peer_id: peerId, kid: key.kid }), key.bytes),
      createdAtMs: nowMs,
      acceptedUntilMs: null,
    });
  }

  private unwrap(row: TransactionKeyEntity): KnownKey {
    const bytes = this.vault.open('transaction-key', aboutKey({ peer_id: row.peerId, kid: row.kid }), row.sealedKey);
    if (bytes === null) throw new ProtocolError('data_dir_corrupt', {}, { detail: 'a transaction key does not open' });
    return {
      key: new TransactionKey(bytes),
      state: row.state,
      createdAtMs: row.createdAtMs,
      acceptedUntilMs: row.acceptedUntilMs,
      transactionCount: row.transactionCount,
      isRenewalAsked: row.renewalAskedAtMs !== null,
    };
  }
}

const { about: aboutKey } = SEALED_SECRETS['transaction-key'];
