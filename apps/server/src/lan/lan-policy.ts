// What neighbours on local networks may be approved for (T8): the `lan` fields of the policy.
import { z } from 'zod';
import { APPROVAL_LIFE_MS_MAX } from '#protocol';
import { cidrField } from '../platform/remote-address.js';

export const lanPolicy = z.strictObject({
  /** How long an approval holds: a neighbour answers within seconds, and the fetch begins at once. */
  approvalLifeMs: z.int().min(10_000).max(APPROVAL_LIFE_MS_MAX).default(APPROVAL_LIFE_MS_MAX),
  /** Approvals and permissions that one peer gets in a minute. */
  perPeerPerMinute: z.int().min(1).max(100_000).default(1_200),
  /** Networks beside the private and link-local ones in which neighbours may be reached, as 203.0.113.0/24. */
  aliasNetworks: z.array(cidrField).max(64).default([]),
});
export type LanPolicy = Readonly<z.infer<typeof lanPolicy>>;
