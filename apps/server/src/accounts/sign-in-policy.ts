// What the operator chooses about failed sign-ins: the `signIn` field of the policy.
import { z } from 'zod';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

const count = z.int().min(1).max(1_000);
const window = z.int().min(MINUTE_MS).max(DAY_MS);

export const signInPolicy = z
  .strictObject({
    /** Failures of one account, or from one network, in their windows, from which on a CAPTCHA is asked for. */
    captchaAfterFailures: count.default(3),
    /** Failures of one account from one network within `windowMs`: no more attempts from there for a while. */
    failuresMax: count.default(10),
    /** Failures from one network, whichever the accounts. */
    networkFailuresMax: count.default(100),
    windowMs: window.default(15 * MINUTE_MS),
    /** Failures of one account from anywhere: no more attempts but from networks where it signed in before. */
    accountFailuresMax: count.default(100),
    accountWindowMs: window.default(DAY_MS),
    /** Mails to one address, and registrations and resets asked for by one network, within an hour. */
    mailsPerHour: count.default(5),
    registrationsPerHour: count.default(100),
  })
  .refine(({ captchaAfterFailures, failuresMax }) => captchaAfterFailures <= failuresMax, {
    path: ['captchaAfterFailures'],
    message: 'more than failuresMax',
  })
  .refine(({ failuresMax, accountFailuresMax }) => failuresMax <= accountFailuresMax, {
    path: ['accountFailuresMax'],
    message: 'less than failuresMax',
  });

export type SignInPolicy = Readonly<z.infer<typeof signInPolicy>>;
