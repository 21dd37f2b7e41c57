// Somebody registers (B1, B2): the answer, the work and the commit are the same whether the address has an account or not.
import { Injectable } from '@nestjs/common';
import { Clock, Log } from '#process';
import { REGISTRATION_LINK_LIFE_MS } from '../limits.js';
import { type Mail, Mailer } from '../mail/mailer.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { WebAddress } from '../platform/web-address.js';
import { AccountEntity } from './account.entity.js';
import { alreadyRegisteredMail, registrationMail } from './account-mails.js';
import type { Email } from './email.js';
import { MailLimits } from './mail-limits.js';
import { createMailLink, createNotice } from './mail-links.js';
import { OpenAccount } from './open-account.js';
import type { Password } from './password.js';
import { Passwords } from './passwords.js';

export interface Registration {
  readonly email: Email;
  readonly name: string;
  readonly password: Password;
  readonly network: string;
}

@Injectable()
export class RegisterAccount {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly passwords: Passwords,
    private readonly openAccount: OpenAccount,
    private readonly mailer: Mailer,
    private readonly limits: MailLimits,
    private readonly webAddress: WebAddress,
  ) {}

  /**
   * With mail, the account is opened when the link in it is followed; without, at once.
   *
   * throws   rate_exceeded | overloaded
   */
  async run({ email, name, password, network }: Registration): Promise<void> {
    this.limits.countRequest(network);
    this.mailer.checkRoom();
    const account = { email, name, passwordHash: await this.passwords.hash(password) };
    const nowMs = this.clock.nowMs();
    if (this.mailer.configured) await this.mailLink(account, nowMs);
    else await this.openAtOnce(account, nowMs);
  }

  private async openAtOnce(
    account: { email: Email; name: string; passwordHash: string },
    nowMs: number,
  ): Promise<void> {
    const accountId = await this.database.write(async (db) => {
      const opened = await this.openAccount.run(db, account, nowMs);
      if (opened === null) await createNotice(db, account.email, nowMs);
      return opened;
    });
    if (accountId !== null) this.log.info({ event: 'account_opened', accountId });
  }

  private async mailLink(account: { email: Email; name: string; passwordHash: string }, nowMs: number): Promise<void> {
    const { email } = account;
    const { origin } = this.webAddress;
    const mail = await this.database.write(async (db): Promise<Mail> => {
      if (await db.existsBy(AccountEntity, { email })) {
        await createNotice(db, email, nowMs);
        return alreadyRegisteredMail(email, origin);
      }
      const link = { kind: 'register', ...account, lifeMs: REGISTRATION_LINK_LIFE_MS } as const;
      return registrationMail(email, origin, await createMailLink(db, link, nowMs));
    });
    if (this.limits.takeMail(email)) this.mailer.send(mail);
  }
}
