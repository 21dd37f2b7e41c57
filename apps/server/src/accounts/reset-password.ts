// A lost password: a link by mail, used once; a new password ends every session of the account.
import { Injectable } from '@nestjs/common';
import { changeOne } from '#database';
import { Clock, Log } from '#process';
import { ProtocolError } from '#protocol';
import { dropGrantsOf } from '../enrolment/device-grants.js';
import { restartRecoveries } from '../escrow/restart-recoveries.js';
import { RESET_LINK_LIFE_MS } from '../limits.js';
import { Mailer } from '../mail/mailer.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { WebAddress } from '../platform/web-address.js';
import { Sessions } from '../sessions/sessions.js';
import { AccountEntity } from './account.entity.js';
import { passwordChangedMail, resetMail } from './account-mails.js';
import type { Email } from './email.js';
import { rememberNetwork } from './known-networks.js';
import { MailLimits } from './mail-limits.js';
import { createMailLink, createNotice, dropMailLinks, findMailLink, useMailLink } from './mail-links.js';
import { judgeNewPassword, type NewPassword } from './password.js';
import { Passwords } from './passwords.js';

@Injectable()
export class ResetPassword {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly passwords: Passwords,
    private readonly sessions: Sessions,
    private readonly mailer: Mailer,
    private readonly limits: MailLimits,
    private readonly webAddress: WebAddress,
  ) {}

  /** Mail a link, if there is such an account; whether there is one does not show. throws rate_exceeded | overloaded */
  async ask(email: Email, network: string): Promise<void> {
    this.limits.countRequest(network);
    this.mailer.checkRoom();
    const nowMs = this.clock.nowMs();
    const token = await this.database.write(async (db) => {
      const account = await db.findOneBy(AccountEntity, { email });
      if (account !== null) {
        return createMailLink(db, { kind: 'reset', email, accountId: account.id, lifeMs: RESET_LINK_LIFE_MS }, nowMs);
      }
      await createNotice(db, email, nowMs);
      return null;
    });
    // An address without an account counts too: the limit must not tell them apart either.
    const mayMail = this.limits.takeMail(email);
    if (token !== null && mayMail) this.mailer.send(resetMail(email, this.webAddress.origin, token));
  }

  /** throws link_invalid */
  async check(token: string): Promise<void> {
    await findMailLink(this.database.reads, 'reset', token, this.clock.nowMs());
  }

  /** What is wrong with the new password is told in the answer. throws link_invalid | overloaded */
  async run(token: string, newPassword: string, network: string): Promise<NewPassword> {
    const nowMs = this.clock.nowMs();
    const link = await findMailLink(this.database.reads, 'reset', token, nowMs);
    const { accountId, email } = link;
    if (accountId === null) throw new ProtocolError('link_invalid');
    const { name } = await this.database.reads.findOneByOrFail(AccountEntity, { id: accountId });
    const judged = judgeNewPassword(newPassword, { email, name });
    if (!judged.ok) return judged;
    const passwordHash = await this.passwords.hash(judged.password);

    await this.database.write(async (db) => {
      await useMailLink(db, link);
      await changeOne(db, 'UPDATE accounts SET password_hash = $1 WHERE id = $2', [passwordHash, accountId]);
      await this.sessions.endAllOf(db, accountId, null);
      await restartRecoveries(db, accountId, this.clock.nowMs());
      await dropGrantsOf(db, accountId);
      // Whoever has the mailbox is no stranger: failures of others do not keep the owner from signing in there.
      await rememberNetwork(db, accountId, network, nowMs);
      await dropMailLinks(db, email);
    });
    this.log.info({ event: 'password_reset', accountId });
    // Past every limit: a stranger who uses it up must not keep this from the owner.
    this.mailer.send(passwordChangedMail(email, this.webAddress.origin));
    return judged;
  }
}
