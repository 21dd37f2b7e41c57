// Opens the account whose registration link was followed, for whoever knows the password that was chosen with it.
import { Injectable } from '@nestjs/common';
import { Clock, Log } from '#process';
import { ProtocolError } from '#protocol';
import { BrokerDatabase } from '../platform/broker-database.js';
import { type CreatedSession, Sessions } from '../sessions/sessions.js';
import { rememberNetwork } from './known-networks.js';
import { dropMailLinks, findMailLink, takeLinkAttempt, useMailLink } from './mail-links.js';
import { OpenAccount } from './open-account.js';
import type { Password } from './password.js';
import { Passwords } from './passwords.js';

@Injectable()
export class ConfirmRegistration {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly passwords: Passwords,
    private readonly openAccount: OpenAccount,
    private readonly sessions: Sessions,
  ) {}

  /** throws link_invalid */
  async check(token: string): Promise<void> {
    await findMailLink(this.database.reads, 'register', token, this.clock.nowMs());
  }

  /**
   * The mailbox's owner may follow a link that somebody else caused: without the password they would open an account
   * whose password a stranger knows.
   *
   * returns   null when the password is not the one that was chosen
   * throws    link_invalid | overloaded
   */
  async run(token: string, password: Password, network: string): Promise<CreatedSession | null> {
    const nowMs = this.clock.nowMs();
    const link = await this.database.write(async (db) => {
      const found = await findMailLink(db, 'register', token, nowMs);
      await takeLinkAttempt(db, found);
      return found;
    });
    const { email, name, passwordHash } = link;
    if (name === null || passwordHash === null) throw new ProtocolError('link_invalid');
    if (!(await this.passwords.check(password, passwordHash)).matches) return null;

    const { accountId, session } = await this.database.write(async (db) => {
      await useMailLink(db, link);
      const accountId = await this.openAccount.run(db, { email, name, passwordHash }, nowMs);
      if (accountId === null) throw new ProtocolError('link_invalid');
      await dropMailLinks(db, email);
      await rememberNetwork(db, accountId, network, nowMs);
      return { accountId, session: await this.sessions.create(db, accountId) };
    });
    this.log.info({ event: 'account_opened', accountId });
    return session;
  }
}
