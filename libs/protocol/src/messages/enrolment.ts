// Enrolment: how a machine becomes a peer. The only messages that no transaction key signs; TLS and the pin protect them.
import { z } from 'zod';
import { CLOCK_SKEW_MS_MAX, CSR_BYTES_MAX, KEY_BYTES } from '../limits.js';
import { TOKEN_LIFE_MS_MAX } from '../token/token-ops.js';
import { deviceCodeField } from './device-authorization.js';
import { accountIdField, bytesField, bytesUpToField, peerIdField, peerNameField, timeField } from './fields.js';

export const enrolmentKeyField = z.string().regex(/^pke_[A-Za-z0-9_-]{43}$/);

/**
 * The right to enrol: a key that the operator made, the proof that one holds the account's recovery phrase, or the code
 * of a device authorization that a person has approved.
 */
export const enrolmentCredential = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('enrolment-key'), key: enrolmentKeyField }),
  z.strictObject({
    kind: z.literal('recovery-proof'),
    publicKey: bytesField(32),
    proof: bytesField(64),
    madeAt: timeField,
  }),
  z.strictObject({ kind: z.literal('device-code'), deviceCode: deviceCodeField }),
]);
export type EnrolmentCredential = z.infer<typeof enrolmentCredential>;

/** `POST /v1/enrolments` */
export const enrolRequest = z.strictObject({
  name: peerNameField,
  csr: bytesUpToField(CSR_BYTES_MAX),
  credential: enrolmentCredential,
});
export type EnrolRequest = z.infer<typeof enrolRequest>;

export const enrolAnswer = z.strictObject({
  peerId: peerIdField,
  accountId: accountIdField,
  trustDomain: z.string(),
  certificate: z.string(),
  transactionKey: bytesField(KEY_BYTES),
  time: timeField,
});
export type EnrolAnswer = z.infer<typeof enrolAnswer>;

/** `POST /v1/recovery-key`: the public key by which a later machine proves that it holds the recovery phrase. */
export const setRecoveryKeyRequest = z.strictObject({ publicKey: bytesField(32) });
export type SetRecoveryKeyRequest = z.infer<typeof setRecoveryKeyRequest>;

export const emptyAnswer = z.strictObject({});

/** `POST /v1/certificates` */
export const renewCertificateRequest = z.strictObject({ csr: bytesUpToField(CSR_BYTES_MAX) });
export type RenewCertificateRequest = z.infer<typeof renewCertificateRequest>;
export const renewCertificateAnswer = z.strictObject({ certificate: z.string() });
export type RenewCertificateAnswer = z.infer<typeof renewCertificateAnswer>;

/** `POST /v1/transaction-keys`: a new key, sealed under the wrapping sub-key of the one that signed the request. */
export const renewTransactionKeyRequest = z.strictObject({});
export const renewTransactionKeyAnswer = z.strictObject({
  wrappedKey: bytesUpToField(128),
  /** How long tokens under the replaced key may still come: the longest life that the policy gives, and both clocks' error. */
  acceptPreviousMs: z
    .int()
    .min(0)
    .max(TOKEN_LIFE_MS_MAX + 2 * CLOCK_SKEW_MS_MAX)
    .default(TOKEN_LIFE_MS_MAX + 2 * CLOCK_SKEW_MS_MAX),
});
export type RenewTransactionKeyAnswer = z.infer<typeof renewTransactionKeyAnswer>;
