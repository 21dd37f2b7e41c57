// What the admin interface takes and tells about the ledger.
import { z } from 'zod';
import { accountIdField, timeField } from '#protocol';
import { MOVEMENT_KINDS, type MovementKind, PURSES } from '../../ledger/movement.js';
import { neededReason } from '../changes/reason-field.js';
import { pageFields, pageOf, timeInQuery } from '../paging/page-query.js';

const KINDS = MOVEMENT_KINDS as [MovementKind, ...MovementKind[]];
/** Bytes of credit: more than a number holds exactly. */
const amount = z.string().regex(/^-?\d+$/);

export const balancesQuery = z.strictObject({
  account: accountIdField.optional(),
  purse: z.enum(PURSES).optional(),
  ...pageFields,
});
export type BalancesQuery = z.infer<typeof balancesQuery>;

export const listedBalance = z.strictObject({
  /** `<purse>:<account id>`, or `issuance`: what is in the world, negated. */
  ledgerAccount: z.string(),
  balance: amount,
});
export type ListedBalance = z.infer<typeof listedBalance>;
export const balancePage = pageOf(listedBalance);

const entryFilters = {
  /** Entries of any purse of this account. */
  account: accountIdField.optional(),
  kind: z.enum(KINDS).optional(),
  transaction: z.string().max(128).optional(),
  since: timeInQuery.optional(),
  until: timeInQuery.optional(),
};
export const entriesQuery = z.strictObject({ ...entryFilters, ...pageFields });
export type EntriesQuery = z.infer<typeof entriesQuery>;
export const exportQuery = z.strictObject(entryFilters);
export type ExportQuery = z.infer<typeof exportQuery>;

export const listedEntry = z.strictObject({
  seq: z.int().min(1),
  at: timeField,
  kind: z.enum(KINDS),
  transactionId: z.string(),
  debit: z.string(),
  credit: z.string(),
  amount,
  reason: z.string().nullable(),
  hash: z.string(),
});
export type ListedEntry = z.infer<typeof listedEntry>;
export const entryPage = pageOf(listedEntry);

export const daysQuery = z.strictObject({ kind: z.enum(KINDS).optional(), ...pageFields });
export type DaysQuery = z.infer<typeof daysQuery>;

export const listedDay = z.strictObject({
  /** `2026-11-21`, of UTC. */
  day: z.string(),
  kind: z.enum(KINDS),
  amount,
  entries: z.int().min(1),
});
export type ListedDay = z.infer<typeof listedDay>;
export const dayPage = pageOf(listedDay);

export const adjustRequest = z.strictObject({
  account: accountIdField,
  /** Bytes of credit that the account gets; with a minus, what is taken from what it has free. */
  amount: z.string().regex(/^-?[1-9]\d{0,17}$/),
  reason: neededReason,
});
export type AdjustRequest = z.infer<typeof adjustRequest>;

export const adjusted = z.strictObject({ adjustmentId: z.string(), account: accountIdField, available: amount });
export type Adjusted = z.infer<typeof adjusted>;
