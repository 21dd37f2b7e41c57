// Which fields of the policy a running broker does not take: something holds them since its start. Pure.
import { isDeepStrictEqual } from 'node:util';
import type { Policy } from '../../config/policy.js';

export const RESTART_FIELDS = [
  // The listeners, and who stands before them.
  'trustedProxies',
  'webUrl',
  'hostAddressRanges',
  'admin',
  // Parts that are built once, with counts and keys of their own.
  'captcha',
  'mail',
  'signIn',
  'enrolmentsPerMinute',
  'deviceEnrolmentPollMs',
  'probeHosts',
  'universal',
  // Tokens that were withdrawn are remembered for as long as any token lives, and a key must outlive its tokens.
  'tokenLifeMs',
  'longTokenLifeMs',
  'universalTokenLifeMs',
  'transactionKeyLifeMs',
] as const satisfies readonly (keyof Policy)[];

/** `next` as a broker that runs under `current` takes it: the rest comes with its next start. */
export function runningPolicy(next: Policy, current: Policy): Policy {
  const kept = Object.fromEntries(RESTART_FIELDS.map((field) => [field, current[field]]));
  return Object.freeze({ ...next, ...kept });
}

/** What in `next` waits for a restart of a broker that runs under `current`. */
export function fieldsThatWait(next: Policy, current: Policy): string[] {
  return RESTART_FIELDS.filter((field) => !isDeepStrictEqual(next[field], current[field]));
}
