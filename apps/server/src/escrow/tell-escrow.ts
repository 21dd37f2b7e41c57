// Tells the machines of an account, and its page, what is in escrow, who waits for it, and what happened.
import { Injectable } from '@nestjs/common';
import { Raw } from 'typeorm';
import { Clock } from '#process';
import {
  type AccountId,
  ESCROW_RECOVERIES_SHOWN_MAX,
  type EscrowRecovery,
  type EscrowStatusAnswer,
  formatTime,
} from '#protocol';
import { PeerEntity } from '../peers/peer.entity.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { EscrowEntity } from './escrow.entity.js';
import { newestEvents } from './escrow-events.js';
import { EscrowRecoveryEntity } from './escrow-recovery.entity.js';
import { WaitingTime } from './waiting-time.js';

@Injectable()
export class TellEscrow {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly waiting: WaitingTime,
  ) {}

  async run(accountId: AccountId): Promise<EscrowStatusAnswer> {
    const { reads } = this.database;
    const escrow = await reads.findOneBy(EscrowEntity, { accountId });
    const rows = await reads.find(EscrowRecoveryEntity, {
      // A revoked machine is given nothing any more, and must not push one out that waits.
      where: {
        accountId,
        state: 'waiting',
        peerId: Raw((column) => `${column} IN (SELECT id FROM peers WHERE state <> 'revoked')`),
      },
      order: { id: 'ASC' },
      take: ESCROW_RECOVERIES_SHOWN_MAX,
    });
    const nowMs = this.clock.nowMs();
    const recoveries: EscrowRecovery[] = [];
    for (const row of rows) {
      const { name } = await reads.findOneByOrFail(PeerEntity, { id: row.peerId });
      recoveries.push(tellRecovery({ ...row, name }, { remainingMs: this.waiting.remainingMs(row), nowMs }));
    }
    const storedAtMs = escrow?.storedAtMs ?? null;
    return {
      storedAt: storedAtMs === null ? null : formatTime(storedAtMs),
      recoveries,
      events: await newestEvents(reads, accountId),
    };
  }
}

/** Pure. */
export function tellRecovery(
  { id, peerId, name, askedAtMs }: EscrowRecoveryEntity & { readonly name: string },
  { remainingMs, nowMs }: { readonly remainingMs: number; readonly nowMs: number },
): EscrowRecovery {
  return {
    recoveryId: id,
    peerId,
    name,
    state: remainingMs === 0 ? 'ready' : 'waiting',
    askedAt: formatTime(askedAtMs),
    dueAt: formatTime(nowMs + remainingMs),
    remainingMs,
  };
}
