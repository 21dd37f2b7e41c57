// Gives up puts that have not ended, because their shards are placed anew or their objects deleted.
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { AccountId } from '#protocol';
import { Ledger } from '../ledger/ledger.js';
import type { StoredShard } from '../objects/object-rows.js';
import { givenBack } from './movements.js';
import { type Part, updateParts } from './transaction-rows.js';

@Injectable()
export class VoidPuts {
  constructor(private readonly ledger: Ledger) {}

  /** shards: not stored; those without a put under way cost nothing. */
  async run(db: EntityManager, client: AccountId, shards: readonly StoredShard[], nowMs: number): Promise<void> {
    const puts = shards.flatMap(({ transactionId: id, hostId, transactionItem: item, sizeBytes }) =>
      id === null || hostId === null ? [] : [{ part: { id, hostId, item } satisfies Part, sizeBytes }],
    );
    if (puts.length === 0) return;
    await updateParts(
      db,
      'state',
      'void',
      puts.map(({ part }) => part),
    );
    const owner = { groupId: null, clientAccountId: client };
    await this.ledger.post(
      db,
      puts.map(({ part, sizeBytes }) => givenBack({ ...part, ...owner }, sizeBytes)),
      nowMs,
    );
  }
}
