// Why somebody changes something: a change without a reason is refused.
import { z } from 'zod';
import { reasonField } from '#protocol';

/** One line, not empty; an owner may read it. */
export const neededReason = reasonField.regex(/\S/, 'a reason is needed');

export const reasonOnly = z.strictObject({ reason: neededReason });
export type ReasonOnly = z.infer<typeof reasonOnly>;
