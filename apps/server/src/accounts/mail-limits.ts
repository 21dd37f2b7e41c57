// How many mails one address may get and one network may cause, so that nobody is flooded through this broker.
import { Injectable } from '@nestjs/common';
import { Clock } from '#process';
import { ProtocolError } from '#protocol';
import { SIGN_IN_FAILURES_KEYS_MAX } from '../limits.js';
import { Settings } from '../platform/settings.js';
import type { Email } from './email.js';
import { FailureWindows } from './failure-windows.js';

const HOUR_MS = 60 * 60_000;

@Injectable()
export class MailLimits {
  private readonly asked = new FailureWindows(HOUR_MS, SIGN_IN_FAILURES_KEYS_MAX);
  private readonly mailed = new FailureWindows(HOUR_MS, SIGN_IN_FAILURES_KEYS_MAX);

  constructor(
    private readonly clock: Clock,
    private readonly settings: Settings,
  ) {}

  /** A network asks for a registration or a reset. throws rate_exceeded, with the seconds to wait */
  countRequest(network: string): void {
    const { registrationsPerHour } = this.settings.policy.signIn;
    const nowMs = this.clock.monotonicMs();
    const waitMs = this.asked.waitMs(network, registrationsPerHour, nowMs);
    if (waitMs > 0) throw new ProtocolError('rate_exceeded', { retryAfterSeconds: Math.ceil(waitMs / 1_000) });
    if (this.asked.count(network, nowMs) === 0 && this.asked.isFull(nowMs)) throw new ProtocolError('rate_exceeded');
    this.asked.add(network, nowMs, registrationsPerHour);
  }

  /** May this address get one more mail? Who asks is not told: the answer would say that others asked before. */
  takeMail(email: Email): boolean {
    const { mailsPerHour } = this.settings.policy.signIn;
    const nowMs = this.clock.monotonicMs();
    const counted = this.mailed.count(email, nowMs);
    if (counted >= mailsPerHour || (counted === 0 && this.mailed.isFull(nowMs))) return false;
    this.mailed.add(email, nowMs, mailsPerHour);
    return true;
  }
}
