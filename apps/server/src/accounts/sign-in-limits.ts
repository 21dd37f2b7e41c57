// How many wrong passwords are taken: per account and network, per network, and slower per account (existing or not).
// Kept in memory and bounded; a restart of the broker forgets them, which costs an attacker nothing but the wait.
import { Injectable } from '@nestjs/common';
import { Clock } from '#process';
import { isRefusal, ProtocolError } from '#protocol';
import { SIGN_IN_FAILURES_KEYS_MAX } from '../limits.js';
import { Settings } from '../platform/settings.js';
import type { Email } from './email.js';
import { FailureWindows } from './failure-windows.js';
import type { SignInPolicy } from './sign-in-policy.js';

export interface SignInSource {
  readonly email: Email;
  /** As networkOf tells networks apart. */
  readonly network: string;
}

/** One attempt, counted as a failure until it is known to be none. */
export interface SignInAttempt extends SignInSource {
  readonly atMs: number;
}

@Injectable()
export class SignInLimits {
  private readonly policy: SignInPolicy;
  private readonly pairs: FailureWindows;
  private readonly networks: FailureWindows;
  private readonly accounts: FailureWindows;

  constructor(
    private readonly clock: Clock,
    settings: Settings,
  ) {
    this.policy = settings.policy.signIn;
    const { windowMs, accountWindowMs } = this.policy;
    this.pairs = new FailureWindows(windowMs, SIGN_IN_FAILURES_KEYS_MAX);
    this.networks = new FailureWindows(windowMs, SIGN_IN_FAILURES_KEYS_MAX);
    this.accounts = new FailureWindows(accountWindowMs, SIGN_IN_FAILURES_KEYS_MAX);
  }

  /** Must this network solve a CAPTCHA before it tries any account? */
  needsCaptchaAnyway(network: string): boolean {
    const nowMs = this.clock.monotonicMs();
    const full = [this.pairs, this.networks, this.accounts].some((windows) => windows.isFull(nowMs));
    return full || this.networks.count(network, nowMs) >= this.policy.captchaAfterFailures;
  }

  needsCaptcha({ email, network }: SignInSource): boolean {
    const failures = this.accounts.count(email, this.clock.monotonicMs());
    return failures >= this.policy.captchaAfterFailures || this.needsCaptchaAnyway(network);
  }

  /**
   * Begin an attempt. It counts as a failure from here on, so that attempts at the same time count each other.
   *
   * isKnownNetwork   the account has signed in from there: the slow limit, which anybody on the Internet can use up,
   *                  does not hold there
   * throws           rate_exceeded, with the seconds to wait
   */
  begin(source: SignInSource, isKnownNetwork: boolean): SignInAttempt {
    const { email, network } = source;
    const { failuresMax, networkFailuresMax, accountFailuresMax } = this.policy;
    const nowMs = this.clock.monotonicMs();
    const waitMs = Math.max(
      this.pairs.waitMs(pairOf(source), failuresMax, nowMs),
      this.networks.waitMs(network, networkFailuresMax, nowMs),
      isKnownNetwork ? 0 : this.accounts.waitMs(email, accountFailuresMax, nowMs),
    );
    if (waitMs > 0) throw new ProtocolError('rate_exceeded', { retryAfterSeconds: Math.ceil(waitMs / 1_000) });
    this.pairs.add(pairOf(source), nowMs, failuresMax);
    this.networks.add(network, nowMs, networkFailuresMax);
    this.accounts.add(email, nowMs, accountFailuresMax);
    return { email, network, atMs: nowMs };
  }

  /** Look at the password of an attempt. When the broker has no time to, the attempt was no guess. throws overloaded */
  async judge<T>(attempt: SignInAttempt, check: () => Promise<T>): Promise<T> {
    try {
      return await check();
    } catch (error) {
      if (isRefusal(error, 'overloaded')) this.takeBack(attempt);
      throw error;
    }
  }

  /** The attempt was no guess. */
  takeBack({ email, network, atMs }: SignInAttempt): void {
    this.pairs.takeBack(pairOf({ email, network }), atMs);
    this.networks.takeBack(network, atMs);
    this.accounts.takeBack(email, atMs);
  }

  /** Signed in: the owner's own slips from there are forgotten; what others tried from elsewhere is not. */
  succeeded({ email, network }: SignInAttempt): void {
    const slips = this.pairs.timesOf(pairOf({ email, network }));
    for (const atMs of slips) this.takeBack({ email, network, atMs });
  }
}

function pairOf({ email, network }: SignInSource): string {
  return `${network} ${email}`;
}
