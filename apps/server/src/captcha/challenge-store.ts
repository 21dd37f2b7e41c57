// Open challenges: made for one form, living for a while, taken once. In memory, bounded in all, per network and
// per site.
import { strict as assert } from 'node:assert';
import { randomBytes } from 'node:crypto';
import type { Clock } from '#process';
import { encodeBase64url, ProtocolError } from '#protocol';
import { networkOf, siteOf } from '../enrolment/network-of.js';
import { CHALLENGES_OPEN_MAX, CHALLENGES_PER_NETWORK_MAX, CHALLENGES_PER_SITE_MAX } from './limits.js';

const ID_BYTES = 16;
const FORM = /^[a-z][a-z0-9-]{0,31}$/;

interface OpenChallenge<T> {
  readonly form: string;
  readonly secret: T;
  readonly network: string;
  readonly expiresMs: number;
}

/** T: what the broker knows about a challenge and the page must not; never null, which says that there is none. */
export class ChallengeStore<T extends NonNullable<unknown>> {
  // All live equally long, so the order of insertion is the order of expiry.
  private readonly open = new Map<string, OpenChallenge<T>>();
  /** By network, and by IPv6 site. */
  private readonly openOf = new Map<string, number>();

  constructor(
    private readonly clock: Clock,
    private readonly lifeMs: number,
    private readonly openMax = CHALLENGES_OPEN_MAX,
    private readonly openPerNetworkMax = CHALLENGES_PER_NETWORK_MAX,
    private readonly openPerSiteMax = CHALLENGES_PER_SITE_MAX,
  ) {}

  /**
   * Open a challenge; its id is random and says nothing about it.
   *
   * throws   rate_exceeded when the network or its site holds too many, overloaded when the store is full. A live challenge is
   *          never thrown out: whoever asks for many would end those of the people who are typing.
   */
  add(form: string, secret: T, remoteAddress: string): string {
    assert(FORM.test(form));
    this.forgetExpired();
    const network = networkOf(remoteAddress);
    const ofNetwork = this.openOf.get(network) ?? 0;
    const ofSite = this.openOf.get(siteOf(network)) ?? 0;
    if (ofNetwork >= this.openPerNetworkMax || ofSite >= this.openPerSiteMax) throw new ProtocolError('rate_exceeded');
    if (this.open.size >= this.openMax) throw new ProtocolError('overloaded');
    const id = encodeBase64url(randomBytes(ID_BYTES));
    this.open.set(id, { form, secret, network, expiresMs: this.clock.monotonicMs() + this.lifeMs });
    for (const key of keysOf(network)) this.openOf.set(key, (this.openOf.get(key) ?? 0) + 1);
    return id;
  }

  /** What is known about an open challenge, without using it up; null when it is not open. */
  find(id: string): T | null {
    this.forgetExpired();
    return this.open.get(id)?.secret ?? null;
  }

  /** Use a challenge up, whatever form asks; its secret only when it is open and was made for that form. */
  take(id: string, form: string): T | null {
    this.forgetExpired();
    const challenge = this.open.get(id);
    if (challenge === undefined) return null;
    this.remove(id, challenge);
    return challenge.form === form ? challenge.secret : null;
  }

  private forgetExpired(): void {
    const nowMs = this.clock.monotonicMs();
    for (const [id, challenge] of this.open) {
      if (challenge.expiresMs > nowMs) return;
      this.remove(id, challenge);
    }
  }

  private remove(id: string, { network }: OpenChallenge<T>): void {
    this.open.delete(id);
    for (const key of keysOf(network)) {
      const left = (this.openOf.get(key) ?? 0) - 1;
      if (left > 0) this.openOf.set(key, left);
      else this.openOf.delete(key);
    }
  }
}

/** Under what a challenge is counted; an IPv4 address is its own site, and counts once. */
function keysOf(network: string): Set<string> {
  return new Set([network, siteOf(network)]);
}
