// What the admin interface tells about accounts.
import { z } from 'zod';
import { accountIdField, timeField } from '#protocol';
import { PURSES } from '../../ledger/movement.js';
import { pageFields, pageOf } from '../paging/page-query.js';

export const accountsQuery = z.strictObject({
  /** As it is shown, whole. */
  name: z.string().max(256).optional(),
  /** Whole, in the spelling under which the account is kept. Needs the role that is told addresses. */
  email: z.string().max(254).optional(),
  ...pageFields,
});
export type AccountsQuery = z.infer<typeof accountsQuery>;

export const listedAccount = z.strictObject({
  accountId: accountIdField,
  name: z.string(),
  /** Null without one, and for a viewer. */
  email: z.string().nullable(),
  hasRecoveryPhrase: z.boolean(),
  createdAt: timeField,
});
export type ListedAccount = z.infer<typeof listedAccount>;
export const accountPage = pageOf(listedAccount);

const amount = z.string().regex(/^-?\d+$/);

export const accountFacts = listedAccount.extend({
  /** Bytes of credit by purse. */
  credit: z.partialRecord(z.enum(PURSES), amount),
  peersByState: z.record(z.string(), z.int().min(0)),
  /** What is stored for it and not deleted: objects, and their bytes before coding. */
  objects: z.int().min(0),
  objectBytes: amount,
  /** What its peers store for anybody. */
  hostedShards: z.int().min(0),
  hostedBytes: amount,
});
export type AccountFacts = z.infer<typeof accountFacts>;
