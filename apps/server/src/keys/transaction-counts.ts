// How many transactions each current key has served (B5), counted in memory and written down now and then.
import { Injectable } from '@nestjs/common';
import { changeOne } from '#database';
import type { PeerId } from '#protocol';
import { COUNTS_WRITTEN_AT_ONCE_MAX, UNWRITTEN_TRANSACTIONS_MAX } from '../limits.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import type { KnownKey } from './transaction-keys.js';

interface Count {
  readonly kid: string;
  transactions: number;
  written: number;
}

/**
 * A crash forgets what was counted since the last write: at most UNWRITTEN_TRANSACTIONS_MAX of a key, and at most those
 * of one interval of the loop that writes (KEY_UPKEEP_MS). A clean stop forgets nothing.
 */
@Injectable()
export class TransactionCounts {
  // At most one for each enrolled peer.
  private readonly counts = new Map<PeerId, Count>();
  private readonly changed = new Set<PeerId>();

  constructor(private readonly database: BrokerDatabase) {}

  /** Count one transaction of this peer under its current key. Writes only once in UNWRITTEN_TRANSACTIONS_MAX calls. */
  async count(peerId: PeerId, current: KnownKey): Promise<void> {
    let count = this.counts.get(peerId);
    if (count?.kid !== current.key.kid) {
      count = { kid: current.key.kid, transactions: current.transactionCount, written: current.transactionCount };
      this.counts.set(peerId, count);
    }
    count.transactions++;
    this.changed.add(peerId);
    if (count.transactions - count.written >= UNWRITTEN_TRANSACTIONS_MAX) await this.write([peerId]);
  }

  of(peerId: PeerId, current: KnownKey): number {
    const count = this.counts.get(peerId);
    return count?.kid === current.key.kid ? count.transactions : current.transactionCount;
  }

  /** Write down every count that has changed. */
  async writeAll(): Promise<void> {
    const changed = [...this.changed];
    for (let first = 0; first < changed.length; first += COUNTS_WRITTEN_AT_ONCE_MAX) {
      await this.write(changed.slice(first, first + COUNTS_WRITTEN_AT_ONCE_MAX));
    }
  }

  private async write(peerIds: readonly PeerId[]): Promise<void> {
    const writing = peerIds.flatMap((peerId) => {
      const count = this.counts.get(peerId);
      this.changed.delete(peerId);
      return count === undefined ? [] : [{ peerId, count, transactions: count.transactions }];
    });
    for (const { count, transactions } of writing) count.written = transactions;
    try {
      await this.database.write(async (db) => {
        for (const { peerId, count, transactions } of writing) {
          // The key may have been destroyed meanwhile.
          await changeOne(db, 'UPDATE transaction_keys SET transaction_count = $1 WHERE peer_id = $2 AND kid = $3', [
            transactions,
            peerId,
            count.kid,
          ]);
        }
      });
    } catch (error) {
      for (const { peerId } of writing) this.changed.add(peerId);
      throw error;
    }
  }
}
