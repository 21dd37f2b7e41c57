// Enrolment by a person's approval (RFC 8628, a profile of it): a machine without a key asks, and shows a person a code.
import { z } from 'zod';
import { CSR_BYTES_MAX, PROGRAM_CHARS_MAX } from '../limits.js';
import { bytesField, bytesUpToField, peerNameField } from './fields.js';

/** RFC 8628 §6.1: consonants only, so that no word appears and none is mistaken for another. */
export const USER_CODE_LETTERS = 'BCDFGHJKLMNPQRSTVWXZ';
export const USER_CODE_GROUP_LETTERS = 4;

/** What a person reads off a terminal and types into a page: `WDJB-MJHT`. */
export const userCodeField = z
  .string()
  .regex(
    new RegExp(
      `^[${USER_CODE_LETTERS}]{${USER_CODE_GROUP_LETTERS}}-[${USER_CODE_LETTERS}]{${USER_CODE_GROUP_LETTERS}}$`,
    ),
  );

/** 32 random bytes that only the machine and the broker know. */
export const deviceCodeField = bytesField(32);

export const ENROLMENT_PURPOSES = ['host', 'client', 'recovery'] as const;
export type EnrolmentPurpose = (typeof ENROLMENT_PURPOSES)[number];

/** `POST /v1/device-authorizations`; the enrolment that follows has the same name and the same request, to the byte. */
export const deviceAuthorizationRequest = z.strictObject({
  name: peerNameField,
  csr: bytesUpToField(CSR_BYTES_MAX),
  /** What the machine is going to do: keep other people's shards, back up, or get the key of the account from escrow. */
  purpose: z.enum(ENROLMENT_PURPOSES),
  /** The program that asks, as a person would recognise it. */
  program: z.string().regex(new RegExp(`^[A-Za-z0-9][A-Za-z0-9 ._/+-]{0,${PROGRAM_CHARS_MAX - 1}}$`)),
});
export type DeviceAuthorizationRequest = z.infer<typeof deviceAuthorizationRequest>;

/** The page that the person opens: it is printed on a terminal, so it holds nothing that a terminal could take for more. */
const verificationUriField = z
  .string()
  .max(512)
  .regex(/^https:\/\/[!-~]+$/);

export const deviceAuthorizationAnswer = z.strictObject({
  deviceCode: deviceCodeField,
  userCode: userCodeField,
  verificationUri: verificationUriField,
  /** The same page with the code filled in. */
  verificationUriComplete: verificationUriField,
  expiresInMs: z.int().min(1),
  /** The least time between two polls. */
  intervalMs: z.int().min(1),
});
export type DeviceAuthorizationAnswer = z.infer<typeof deviceAuthorizationAnswer>;
