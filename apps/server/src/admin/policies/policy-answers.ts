// What the admin interface takes and tells about policies.
import { z } from 'zod';
import { timeField } from '#protocol';
import { neededReason } from '../changes/reason-field.js';
import { pageFields, pageOf } from '../paging/page-query.js';

const count = z.int().min(0);
const document = z.record(z.string(), z.unknown());

export const policiesQuery = z.strictObject(pageFields);
export type PoliciesQuery = z.infer<typeof policiesQuery>;

export const listedVersion = z.strictObject({
  version: z.int().min(1),
  origin: z.enum(['file', 'admin']),
  madeBy: z.string(),
  reason: z.string(),
  at: timeField,
});
export type ListedVersion = z.infer<typeof listedVersion>;
export const versionPage = pageOf(listedVersion);

/** `written`: as it was set; what is missing in it has its default. */
export const toldVersion = listedVersion.extend({ written: document });
export type ToldVersion = z.infer<typeof toldVersion>;

export const currentPolicy = toldVersion.extend({
  /** All fields of this version, with the defaults of what it leaves out. */
  policy: document,
  /** Fields in which the running broker is still as it was started. */
  waitsForRestart: z.array(z.string()),
});
export type CurrentPolicy = z.infer<typeof currentPolicy>;

export const setPolicyQuery = z.strictObject({ dryRun: z.enum(['true', 'false']).optional() });
export type SetPolicyQuery = z.infer<typeof setPolicyQuery>;

export const setPolicyRequest = z.strictObject({
  /** As in policy.json: what is left out has its default. */
  policy: document,
  /** The version that it was made from: another one since is not overwritten. */
  basedOn: z.int().min(1),
  reason: neededReason,
});
export type SetPolicyRequest = z.infer<typeof setPolicyRequest>;

const beforeAndAfter = <T extends z.ZodType>(value: T) => ({ before: value, after: value });
const code = z.strictObject({ dataShards: count, totalShards: count, safeShards: count }).nullable();

export const policyChange = z.strictObject({
  /** Null for a dry run. */
  version: z.int().min(1).nullable(),
  changes: z.array(z.strictObject({ field: z.string(), from: z.unknown(), to: z.unknown() })),
  waitsForRestart: z.array(z.string()),
  effect: z.strictObject({
    eligibleHosts: z.strictObject(beforeAndAfter(count)),
    redundancy: z.array(z.strictObject({ durability: z.string(), ...beforeAndAfter(code) })),
    objects: z.strictObject({
      total: count,
      belowThreshold: z.strictObject(beforeAndAfter(count)),
      ofAnotherCode: z.strictObject(beforeAndAfter(count)),
    }),
    transactionKeysToRenew: z.strictObject(beforeAndAfter(count)),
    accounts: z.strictObject({ total: count, affected: count }),
  }),
});
export type PolicyChange = z.infer<typeof policyChange>;
