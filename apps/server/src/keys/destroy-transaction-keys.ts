// Destroys the transaction keys of a peer, in the unit that shuts it out.
import type { EntityManager } from 'typeorm';
import { changeMany } from '#database';
import type { PeerId } from '#protocol';

export async function destroyTransactionKeys(db: EntityManager, peerId: PeerId): Promise<void> {
  await changeMany(db, 'DELETE FROM transaction_keys WHERE peer_id = $1', [peerId]);
}
