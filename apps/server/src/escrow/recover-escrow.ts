// A machine recovers its account's master key from escrow: asks, waits while everybody of the account hears of it, is given
// the sealed key and the second key once; or is stopped (B7).
import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { changeMany, changeOne } from '#database';
import { Clock, Log } from '#process';
import {
  type AccountId,
  type ClaimRecoveryAnswer,
  type EscrowRecovery,
  type PeerId,
  ProtocolError,
  uuidV7,
  WRAP_NONCE_BYTES,
  wrapEscrowKey,
} from '#protocol';
import { AccountEntity } from '../accounts/account.entity.js';
import type { Email } from '../accounts/email.js';
import type { Caller } from '../control/caller.js';
import { RECOVERIES_WAITING_PER_ACCOUNT_MAX, RECOVERY_ASKS_MAX } from '../limits.js';
import { type Mail, Mailer } from '../mail/mailer.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { WebAddress } from '../platform/web-address.js';
import { EscrowEntity } from './escrow.entity.js';
import { recordEvent } from './escrow-events.js';
import { recoveryAskedMail, recoveryGivenMail } from './escrow-mails.js';
import { EscrowRecoveryEntity } from './escrow-recovery.entity.js';
import { EscrowSecret } from './escrow-secret.js';
import { countWaiting, requireActive, requireSay } from './recovery-rights.js';
import { tellRecovery } from './tell-escrow.js';
import { WaitingTime } from './waiting-time.js';

@Injectable()
export class RecoverEscrow {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly settings: Settings,
    private readonly mailer: Mailer,
    private readonly webAddress: WebAddress,
    private readonly secret: EscrowSecret,
    private readonly waiting: WaitingTime,
  ) {}

  /**
   * Begin to wait, or tell a machine that waits already how long it still does.
   *
   * throws   escrow_recovery_not_approved | escrow_recovery_cancelled | escrow_missing | rate_exceeded | overloaded (no
   *          room for the mail that tells the owner)
   */
  async ask({ peer }: Caller): Promise<EscrowRecovery> {
    const { peerId, accountId, name } = peer;
    const nowMs = this.clock.nowMs();
    this.mailer.checkRoom();
    const { row, isNew } = await this.database.write(async (db) => {
      await requireActive(db, peerId);
      await this.waiting.count(db);
      const known = await this.approvedOf(db, peerId);
      if (known.state === 'waiting') return { row: known, isNew: false };
      const escrow = await db.findOneBy(EscrowEntity, { accountId });
      if (escrow === null || escrow.sealedKey === null) throw new ProtocolError('escrow_missing');
      const waiting = await countWaiting(db, accountId);
      if (known.asks >= RECOVERY_ASKS_MAX || waiting >= RECOVERIES_WAITING_PER_ACCOUNT_MAX) {
        throw new ProtocolError('rate_exceeded');
      }
      // From here it must succeed.

      const row: EscrowRecoveryEntity = {
        ...known,
        ...this.waiting.begin(this.settings.policy.escrowWaitMs),
        id: uuidV7(nowMs, randomBytes(10)),
        state: 'waiting',
        asks: known.asks + 1,
        askedAtMs: nowMs,
      };
      await db.update(EscrowRecoveryEntity, { peerId }, row);
      await recordEvent(db, { accountId, kind: 'recovery-asked', peerId, atMs: nowMs });
      return { row, isNew: true };
    });
    const remainingMs = this.waiting.remainingMs(row);
    if (isNew) {
      this.log.warn({ event: 'escrow_recovery_asked', accountId, peerId, waitMs: row.waitMs });
      await this.notify(accountId, (email) => recoveryAskedMail(email, this.webAddress.origin, row.waitMs));
    }
    return tellRecovery({ ...row, name }, { remainingMs, nowMs });
  }

  /**
   * What is sealed and its key, to the machine that waited, once; asking again means waiting again.
   *
   * throws   escrow_recovery_waiting | escrow_recovery_cancelled | escrow_recovery_unknown (also another machine's, and one
   *          that was given) | escrow_missing
   */
  async claim({ peer, key: under }: Caller, recoveryId: string): Promise<ClaimRecoveryAnswer> {
    const { peerId, accountId } = peer;
    const nowMs = this.clock.nowMs();
    this.mailer.checkRoom();
    const given = await this.database.write(async (db) => {
      await requireActive(db, peerId);
      await this.waiting.count(db);
      const row = await this.approvedOf(db, peerId);
      if (row.id !== recoveryId || row.state !== 'waiting') throw new ProtocolError('escrow_recovery_unknown');
      const remainingMs = this.waiting.remainingMs(row);
      if (remainingMs > 0) throw new ProtocolError('escrow_recovery_waiting', { remainingMs });
      const escrow = await db.findOneBy(EscrowEntity, { accountId });
      if (escrow === null || escrow.sealedKey === null) throw new ProtocolError('escrow_missing');
      const { recoveryKey } = await db.findOneByOrFail(AccountEntity, { id: accountId });
      const { escrowId, sealedKey } = escrow;
      const key = await this.secret.keyOf(db, { accountId, escrowId });
      // From here it must succeed.

      await changeOne(db, "UPDATE escrow_recoveries SET state = 'given' WHERE peer_id = $1", [peerId]);
      await recordEvent(db, { accountId, kind: 'recovery-given', peerId, atMs: nowMs });
      return { escrowId, sealedKey, recoveryKey, key };
    });
    this.log.warn({ event: 'escrow_recovery_given', accountId, peerId });
    await this.notify(accountId, (email) => recoveryGivenMail(email, this.webAddress.origin));
    const { key, ...told } = given;
    const escrow = { accountId, escrowId: told.escrowId, key };
    return { ...told, wrappedKey: wrapEscrowKey(escrow, under, peerId, randomBytes(WRAP_NONCE_BYTES)) };
  }

  /**
   * Stop a recovery for good: the machine would have to be approved anew. One that is stopped stays so, and says so.
   *
   * by       a machine of the account, any that has the key; one that recovers stops only itself; null: a person on the page
   * throws   escrow_recovery_unknown | escrow_recovery_given | escrow_not_allowed
   */
  async cancel(
    recoveryId: string,
    { accountId, peerId }: { accountId: AccountId; peerId: PeerId | null },
  ): Promise<void> {
    const atMs = this.clock.nowMs();
    const isStopped = await this.database.write(async (db) => {
      const row = await db.findOneBy(EscrowRecoveryEntity, { id: recoveryId, accountId });
      if (row === null || row.state === 'approved') throw new ProtocolError('escrow_recovery_unknown');
      if (peerId !== null) await (row.peerId === peerId ? requireActive : requireSay)(db, peerId);
      // Whoever is too late has something else to do, and must be told so.
      if (row.state === 'given') throw new ProtocolError('escrow_recovery_given');
      if (row.state === 'cancelled') return false;
      await changeMany(db, "UPDATE escrow_recoveries SET state = 'cancelled' WHERE id = $1", [recoveryId]);
      await recordEvent(db, { accountId, kind: 'recovery-cancelled', peerId, atMs });
      return true;
    });
    if (isStopped) this.log.warn({ event: 'escrow_recovery_cancelled', accountId, by: peerId ?? 'page' });
  }

  private async approvedOf(db: EntityManager, peerId: PeerId): Promise<EscrowRecoveryEntity> {
    const row = await db.findOneBy(EscrowRecoveryEntity, { peerId });
    if (row === null) throw new ProtocolError('escrow_recovery_not_approved');
    if (row.state === 'cancelled') throw new ProtocolError('escrow_recovery_cancelled');
    return row;
  }

  /** Machines and the account page tell it too; a broker without mail has those alone. */
  private async notify(accountId: AccountId, mail: (email: Email) => Mail): Promise<void> {
    if (!this.mailer.configured) return;
    const { email } = await this.database.reads.findOneByOrFail(AccountEntity, { id: accountId });
    if (email !== null) this.mailer.send(mail(email));
  }
}
