// A person approves or refuses a machine that waits: types its code, is shown what asks, decides (RFC 8628 §3.3, §5.1).
import { Injectable } from '@nestjs/common';
import { Clock, Log } from '#process';
import { BrokerDatabase } from '../platform/broker-database.js';
import type { Session } from '../sessions/session.js';
import { CodeGuesses } from './code-guesses.js';
import type { DeviceGrantEntity } from './device-grant.entity.js';
import { decideGrant, findWaiting, markShown } from './device-grants.js';
import { parseUserCode } from './user-code.js';

export type Decision = 'approved' | 'refused';

@Injectable()
export class ApproveMachine {
  private readonly guesses = new CodeGuesses();

  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /**
   * Let the person of this session see the machine that waits under a code. The one way to it: what is not shown to an
   * account can be neither read nor decided there.
   *
   * typed     as the person typed it
   * returns   the code as it is written; null for unknown, expired, used and decided codes, which all look the same
   * throws    rate_exceeded after too many wrong codes, whatever the code is
   */
  async show(typed: string, session: Session, network: string): Promise<string | null> {
    const userCode = parseUserCode(typed);
    if (userCode === null) return null;
    const guesser = { session: session.idHash, accountId: session.accountId, network };
    const atMs = this.clock.monotonicMs();
    this.guesses.claim(guesser, atMs);
    const nowMs = this.clock.nowMs();
    const shown = await this.database.write((db) => markShown(db, userCode, session.accountId, nowMs));
    if (!shown) return null;
    this.guesses.forgive(guesser, atMs);
    return userCode;
  }

  /** The machine that waits and was shown to this account last; null for every other. */
  async find(userCode: string, { accountId }: Session): Promise<DeviceGrantEntity | null> {
    const grant = await findWaiting(this.database.reads, userCode, this.clock.nowMs());
    return grant?.accountId === accountId ? grant : null;
  }

  /** False when the machine waits no more, or was shown to another account since. */
  async decide(userCode: string, { accountId }: Session, state: Decision): Promise<boolean> {
    const nowMs = this.clock.nowMs();
    const decided = await this.database.write((db) => decideGrant(db, { userCode, accountId, state }, nowMs));
    if (decided) this.log.info({ event: 'device_decided', state, accountId });
    return decided;
  }
}
