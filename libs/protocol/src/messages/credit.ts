// Credit: what an account has, how hosting earned it, and what it buys.
import { z } from 'zod';
import { amountField, durabilityField, peerIdField, peerNameField, shardCountField } from './fields.js';

/** Free to spend, set aside for puts under way, spent on what is stored, earned by machines on probation. */
export const creditField = z.strictObject({
  available: amountField,
  reserved: amountField,
  used: amountField,
  withheld: amountField,
});
export type Credit = z.infer<typeof creditField>;

const dayField = z.string().regex(/^\d{4}-\d{2}-\d{2}$/);

/** `withheld`: it was on probation; then the credit waits. `provedBytes`: on average over that day. */
const provedDay = z.strictObject({
  day: dayField,
  peerId: peerIdField,
  name: peerNameField,
  provedBytes: amountField,
  withheld: z.boolean(),
});

/** What moved credit for hosting, or by the operator's hand, on one day. */
const creditMovement = z.strictObject({
  day: dayField,
  kind: z.enum(['grant', 'earn', 'withhold', 'vest', 'lapse', 'forfeit', 'adjust']),
  amount: amountField,
  /** The operator's, of an adjustment. */
  reason: z.string().nullable(),
});

/**
 * How sure it is that an object is still there in a year: by the losses of hosts that this network has measured, or by what is
 * assumed until it has measured enough. Computed for hosts that are lost independently of each other; no promise.
 */
const survivalField = z.strictObject({
  /** Chance that an object is there, 0 to 1, and -log10 of the chance that it is not. */
  perYear: z.number().min(0).max(1),
  nines: z.number().min(0),
  lossesPerHostYear: z.number().min(0),
  measuredOverHostYears: z.number().min(0),
  basis: z.enum(['measured', 'assumed']),
});

/** What free credit buys as this class. No code, and no survival, where there are too few hosts for it. */
const creditClass = z.strictObject({
  durability: durabilityField,
  ratio: z.number(),
  isDefault: z.boolean(),
  code: z.strictObject({ dataShards: shardCountField, totalShards: shardCountField }).nullable(),
  backupBytes: amountField,
  survival: survivalField.nullable(),
});

/**
 * `GET /v1/credit`. `allowance`: what hosting has earned at this moment, on average over the last `windowDays` days;
 * `granted`: what of it has been given by now (once a day); `withheld` waits until its machines have proved themselves;
 * `owed`: what was granted beyond it, since hosting earned more once, and lapses as credit becomes free.
 */
export const creditAnswer = z.strictObject({
  credit: creditField,
  allowance: z.strictObject({
    windowDays: z.int(),
    earned: amountField,
    withheld: amountField,
    granted: amountField,
    owed: amountField,
  }),
  proved: z.array(provedDay),
  movements: z.array(creditMovement),
  classes: z.array(creditClass),
});
export type CreditAnswer = z.infer<typeof creditAnswer>;
