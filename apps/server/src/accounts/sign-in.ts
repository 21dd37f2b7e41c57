// Signs a person in (B1, B7): limits first, then the same work for every address, then a session under a new id.
import { Injectable } from '@nestjs/common';
import { changeOne } from '#database';
import { Clock, Log } from '#process';
import { BrokerDatabase } from '../platform/broker-database.js';
import { type CreatedSession, Sessions } from '../sessions/sessions.js';
import type { Email } from './email.js';
import { findSigningIn, rememberNetwork } from './known-networks.js';
import type { Password } from './password.js';
import { Passwords } from './passwords.js';
import { SignInLimits } from './sign-in-limits.js';

export interface SignInRequest {
  readonly email: Email;
  readonly password: Password;
  /** As networkOf tells networks apart. */
  readonly network: string;
  /** The secret of the session that the browser has, which ends; null for none. */
  readonly replaces: string | null;
}

@Injectable()
export class SignIn {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly limits: SignInLimits,
    private readonly passwords: Passwords,
    private readonly sessions: Sessions,
  ) {}

  /**
   * returns   null for a wrong password and for an unknown address alike, and when the password was changed while it
   *           was checked: the sessions of the old one have ended, and none may begin
   * throws    rate_exceeded | overloaded
   */
  async run(request: SignInRequest): Promise<CreatedSession | null> {
    const nowMs = this.clock.nowMs();
    const account = await findSigningIn(this.database.reads, request, nowMs);
    const attempt = this.limits.begin(request, account?.isKnownNetwork ?? false);
    const { matches, outdated } = await this.limits.judge(attempt, () =>
      this.passwords.check(request.password, account?.passwordHash ?? null),
    );
    if (account === null || !matches) {
      this.log.info({ event: 'sign_in_failed', accountId: account?.accountId ?? null });
      return null;
    }
    this.limits.succeeded(attempt);
    const passwordHash = outdated ? await this.passwords.hash(request.password) : account.passwordHash;
    const session = await this.database.write(async (db) => {
      const unchanged = await changeOne(
        db,
        'UPDATE accounts SET password_hash = $1 WHERE id = $2 AND password_hash = $3',
        [passwordHash, account.accountId, account.passwordHash],
      );
      if (!unchanged) return null;
      await rememberNetwork(db, account.accountId, request.network, nowMs);
      return this.sessions.create(db, account.accountId);
    });
    if (session === null) return null;
    if (request.replaces !== null) await this.sessions.end(request.replaces);
    this.log.info({ event: 'signed_in', accountId: account.accountId });
    return session;
  }
}
