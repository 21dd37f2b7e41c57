// How often the admin interface may be asked: the `admin` field of the policy.
import { z } from 'zod';

const PER_MINUTE_MAX = 100_000;

export const adminPolicy = z.strictObject({
  /** Requests in a minute under one admin key. */
  requestsPerMinute: z.int().min(1).max(PER_MINUTE_MAX).default(600),
  /** From one remote network, with or without a key; an IPv6 network has 64 bits. */
  networkRequestsPerMinute: z.int().min(1).max(PER_MINUTE_MAX).default(1_200),
});
