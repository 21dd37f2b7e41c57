// What the admin interface takes and tells about enrolment keys.
import { z } from 'zod';
import { accountIdField, timeField } from '#protocol';
import { ENROLMENT_KEY_LIFE_MS_MAX, ENROLMENT_KEY_USES_MAX } from '../../limits.js';
import { neededReason } from '../changes/reason-field.js';
import { pageFields, pageOf } from '../paging/page-query.js';

const SECOND_MS = 1_000;
const DAY_SECONDS = 86_400;

export const enrolmentKeysQuery = z.strictObject({ account: accountIdField.optional(), ...pageFields });
export type EnrolmentKeysQuery = z.infer<typeof enrolmentKeysQuery>;

const purposeField = z.enum(['machine', 'relay']);

export const listedEnrolmentKey = z.strictObject({
  /** The name under which it is kept: a hash, from which nobody makes the key. */
  enrolmentKeyId: z.string(),
  /** Each use adds a machine to this account; null: each use opens a new one. */
  accountId: accountIdField.nullable(),
  /** What each use lets in. */
  purpose: purposeField,
  usesLeft: z.int().min(0),
  createdAt: timeField,
  expiresAt: timeField,
  revokedAt: timeField.nullable(),
});
export type ListedEnrolmentKey = z.infer<typeof listedEnrolmentKey>;
export const enrolmentKeyPage = pageOf(listedEnrolmentKey);

export const createEnrolmentKeyRequest = z.strictObject({
  uses: z.int().min(1).max(ENROLMENT_KEY_USES_MAX).default(1),
  lifeSeconds: z
    .int()
    .min(1)
    .max(ENROLMENT_KEY_LIFE_MS_MAX / SECOND_MS)
    .default(DAY_SECONDS),
  account: accountIdField.nullable().default(null),
  purpose: purposeField.default('machine'),
  reason: neededReason,
});
export type CreateEnrolmentKeyRequest = z.infer<typeof createEnrolmentKeyRequest>;

/** The one answer that holds the key. */
export const createdEnrolmentKey = listedEnrolmentKey.extend({ key: z.string() });
export type CreatedEnrolmentKeyAnswer = z.infer<typeof createdEnrolmentKey>;
