// A person who is signed in changes the password: the old one is needed, and every other session ends.
import { strict as assert } from 'node:assert';
import { Injectable } from '@nestjs/common';
import { changeOne } from '#database';
import { Clock, Log } from '#process';
import { ProtocolError } from '#protocol';
import { dropGrantsOf } from '../enrolment/device-grants.js';
import { restartRecoveries } from '../escrow/restart-recoveries.js';
import { Mailer } from '../mail/mailer.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { WebAddress } from '../platform/web-address.js';
import type { Session } from '../sessions/session.js';
import { Sessions } from '../sessions/sessions.js';
import { AccountEntity } from './account.entity.js';
import { passwordChangedMail } from './account-mails.js';
import { dropMailLinks } from './mail-links.js';
import { judgeNewPassword, spellPassword } from './password.js';
import { Passwords } from './passwords.js';
import { SignInLimits } from './sign-in-limits.js';

/** Which of the two fields is at fault, and what to tell about it. */
export type ChangedPassword =
  | { readonly ok: true }
  | { readonly ok: false; readonly field: 'old' | 'new'; readonly fault: string };

@Injectable()
export class ChangePassword {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly passwords: Passwords,
    private readonly sessions: Sessions,
    private readonly limits: SignInLimits,
    private readonly mailer: Mailer,
    private readonly webAddress: WebAddress,
  ) {}

  /** Wrong old passwords count like failed sign-ins. throws rate_exceeded | overloaded */
  async run(
    session: Session,
    { oldPassword, newPassword, network }: { oldPassword: string; newPassword: string; network: string },
  ): Promise<ChangedPassword> {
    const { accountId } = session;
    const {
      email,
      name,
      passwordHash: before,
    } = await this.database.reads.findOneByOrFail(AccountEntity, { id: accountId });
    assert(email !== null && before !== null, 'an account with sessions has both');
    const judged = judgeNewPassword(newPassword, { email, name });
    if (!judged.ok) return { ok: false, field: 'new', fault: judged.fault };
    const old = spellPassword(oldPassword);
    const attempt = this.limits.begin({ email, network }, true);
    const checked = old === null ? null : await this.limits.judge(attempt, () => this.passwords.check(old, before));
    if (checked?.matches !== true) return { ok: false, field: 'old', fault: 'This is not your password.' };
    this.limits.takeBack(attempt);
    const passwordHash = await this.passwords.hash(judged.password);

    await this.database.write(async (db) => {
      const changed = await changeOne(
        db,
        'UPDATE accounts SET password_hash = $1 WHERE id = $2 AND password_hash = $3',
        [passwordHash, accountId, before],
      );
      // Reset or changed from another browser meanwhile: that one holds.
      if (!changed) throw new ProtocolError('overloaded', {}, { detail: 'the password was changed a moment ago' });
      await this.sessions.endAllOf(db, accountId, session);
      await restartRecoveries(db, accountId, this.clock.nowMs());
      await dropGrantsOf(db, accountId);
      await dropMailLinks(db, email);
    });
    this.log.info({ event: 'password_changed', accountId });
    // Past every limit: a stranger who uses it up must not keep this from the owner.
    if (this.mailer.configured) this.mailer.send(passwordChangedMail(email, this.webAddress.origin));
    return { ok: true };
  }
}
