// An account puts its master key in escrow, by its own choice, and takes it out again (B7).
import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { changeMany, changeOne } from '#database';
import { Clock, Log } from '#process';
import {
  type AskEscrowKeyAnswer,
  ProtocolError,
  type StoreEscrowRequest,
  uuidV7,
  WRAP_NONCE_BYTES,
  wrapEscrowKey,
} from '#protocol';
import { AccountEntity } from '../accounts/account.entity.js';
import type { Caller } from '../control/caller.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { EscrowEntity } from './escrow.entity.js';
import { recordEvent } from './escrow-events.js';
import { EscrowSecret } from './escrow-secret.js';
import { requireSay } from './recovery-rights.js';

@Injectable()
export class KeepEscrow {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly secret: EscrowSecret,
  ) {}

  /**
   * A second key under a new name, for an escrow that is to be. The key of one that stands is given by a recovery only.
   *
   * throws   escrow_exists | escrow_without_sign_in | escrow_not_allowed
   */
  async askKey({ peer, key: under }: Caller): Promise<AskEscrowKeyAnswer> {
    const { peerId, accountId } = peer;
    const atMs = this.clock.nowMs();
    const escrowId = uuidV7<string>(atMs, randomBytes(10));
    const escrow = { accountId, escrowId };
    const key = await this.database.write(async (db) => {
      await requireSay(db, peerId);
      const account = await db.findOneByOrFail(AccountEntity, { id: accountId });
      if (account.email === null || account.recoveryKey === null) throw new ProtocolError('escrow_without_sign_in');
      const standing = await db.findOneBy(EscrowEntity, { accountId });
      if (standing !== null && standing.sealedKey !== null) throw new ProtocolError('escrow_exists');
      // From here it must succeed.

      await changeMany(db, 'DELETE FROM escrows WHERE account_id = $1', [accountId]);
      await db.insert(EscrowEntity, { ...escrow, sealedKey: null, askedBy: peerId, storedAtMs: null });
      await recordEvent(db, { accountId, kind: 'key-asked', peerId, atMs });
      return this.secret.keyOf(db, escrow);
    });
    this.log.info({ event: 'escrow_key_asked', accountId, peerId });
    return { escrowId, wrappedKey: wrapEscrowKey({ ...escrow, key }, under, peerId, randomBytes(WRAP_NONCE_BYTES)) };
  }

  /** The same again is answered again. throws escrow_unknown | escrow_exists | escrow_not_allowed */
  async store({ peer }: Caller, { escrowId, sealedKey }: StoreEscrowRequest): Promise<Record<string, never>> {
    const { peerId, accountId } = peer;
    const atMs = this.clock.nowMs();
    await this.database.write(async (db) => {
      await requireSay(db, peerId);
      const row = await db.findOneBy(EscrowEntity, { accountId });
      if (row?.escrowId === escrowId && row.sealedKey === sealedKey) return;
      if (row !== null && row.sealedKey !== null) throw new ProtocolError('escrow_exists');
      // Only whom the key was given to knows what to seal under it.
      if (row?.escrowId !== escrowId || row.askedBy !== peerId) throw new ProtocolError('escrow_unknown');
      // From here it must succeed.

      await changeOne(db, 'UPDATE escrows SET escrowed_key = $1, stored_at_ms = $2 WHERE account_id = $3', [
        sealedKey,
        atMs,
        accountId,
      ]);
      await recordEvent(db, { accountId, kind: 'stored', peerId, atMs });
    });
    this.log.info({ event: 'escrow_stored', accountId, peerId });
    return {};
  }

  /** Delete the sealed key and the name of its second key, and stop what waits for it. Nothing to delete is fine too. */
  async remove({ peer }: Caller): Promise<Record<string, never>> {
    const { peerId, accountId } = peer;
    const atMs = this.clock.nowMs();
    const removed = await this.database.write(async (db) => {
      await requireSay(db, peerId);
      const removed = await changeOne(db, 'DELETE FROM escrows WHERE account_id = $1', [accountId]);
      await changeMany(
        db,
        "UPDATE escrow_recoveries SET state = 'cancelled' WHERE account_id = $1 AND state = 'waiting'",
        [accountId],
      );
      if (removed) await recordEvent(db, { accountId, kind: 'removed', peerId, atMs });
      return removed;
    });
    if (removed) this.log.info({ event: 'escrow_removed', accountId, peerId });
    return {};
  }
}
