// What every feature may know about this broker: its policy, its trust domain, when it started and where it listens.

import type { Policy } from '../config/policy.js';
import type { AddressRange } from '../presence/judge-address.js';

export class Settings {
  constructor(
    private current: Policy,
    readonly trustDomain: string,
    /** Unix ms. Nonces live in memory, so messages from before this time are refused. */
    readonly startedAtMs: number,
    /** Special ranges from which hosts may offer space. */
    readonly hostAddressRanges: readonly AddressRange[],
    /** Secret of the outside CAPTCHA service that the policy names; null without one. */
    readonly captchaSecret: string | null = null,
    /** The answers of the CAPTCHA may be asked for. */
    readonly testMode: boolean = false,
  ) {}

  /** As it is now: whoever keeps a part of it for longer keeps what was (see restart-fields.ts). */
  get policy(): Policy {
    return this.current;
  }

  /** From here on everybody who asks has this one, whole. */
  takePolicy(policy: Policy): void {
    this.current = policy;
  }
}
