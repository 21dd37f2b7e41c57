// Escrow of a master key (B7): asked for, stored, removed; and its recovery: asked for, waited for, given once or stopped.
import { z } from 'zod';
import { isUuidV7 } from '../ids.js';
import { ESCROW_SEALED_BYTES } from '../keys/escrow.js';
import { bytesField, peerIdField, peerNameField, timeField } from './fields.js';

export const ESCROW_RECOVERIES_SHOWN_MAX = 16;
export const ESCROW_EVENTS_SHOWN_MAX = 20;

const idField = z.string().refine(isUuidV7, 'not a UUIDv7').meta({ format: 'uuid' });
const sealedKeyField = bytesField(ESCROW_SEALED_BYTES);

/** `POST /v1/escrow-keys`: a second key for an escrow that is to be; each time another. */
export const askEscrowKeyRequest = z.strictObject({});
export const askEscrowKeyAnswer = z.strictObject({ escrowId: idField, wrappedKey: sealedKeyField });
export type AskEscrowKeyAnswer = z.infer<typeof askEscrowKeyAnswer>;

/** `POST /v1/escrow`: the master key, sealed under that second key by its owner. */
export const storeEscrowRequest = z.strictObject({ escrowId: idField, sealedKey: sealedKeyField });
export type StoreEscrowRequest = z.infer<typeof storeEscrowRequest>;

/** `POST /v1/escrow-removals` */
export const removeEscrowRequest = z.strictObject({});

export const RECOVERY_STATES = ['waiting', 'ready'] as const;

export const escrowRecovery = z.strictObject({
  recoveryId: idField,
  peerId: peerIdField,
  name: peerNameField,
  state: z.enum(RECOVERY_STATES),
  askedAt: timeField,
  /** When it may be given at the soonest, by the broker's clock: its waiting time runs only while the broker does. */
  dueAt: timeField,
  remainingMs: z.int().min(0),
});
export type EscrowRecovery = z.infer<typeof escrowRecovery>;

export const ESCROW_EVENTS = [
  'key-asked',
  'stored',
  'removed',
  'recovery-approved',
  'recovery-asked',
  'recovery-restarted',
  'recovery-cancelled',
  'recovery-given',
] as const;
export type EscrowEventKind = (typeof ESCROW_EVENTS)[number];

export const escrowEvent = z.strictObject({
  at: timeField,
  kind: z.enum(ESCROW_EVENTS),
  /** Null when a person did it on the pages. */
  peerId: peerIdField.nullable(),
});
export type EscrowEvent = z.infer<typeof escrowEvent>;

/** `GET /v1/escrow` */
export const escrowStatusAnswer = z.strictObject({
  /** Since when a sealed key is kept; null: none is. */
  storedAt: timeField.nullable(),
  recoveries: z.array(escrowRecovery).max(ESCROW_RECOVERIES_SHOWN_MAX),
  /** Newest first. */
  events: z.array(escrowEvent).max(ESCROW_EVENTS_SHOWN_MAX),
});
export type EscrowStatusAnswer = z.infer<typeof escrowStatusAnswer>;

/** `POST /v1/escrow-recoveries`: the same machine asks again and is told how long it still waits. */
export const askRecoveryRequest = z.strictObject({});

/** `POST /v1/escrow-recoveries/{recoveryId}/claim`: what is sealed and its key, once. */
export const claimRecoveryRequest = z.strictObject({});
export const claimRecoveryAnswer = z.strictObject({
  escrowId: idField,
  wrappedKey: sealedKeyField,
  sealedKey: sealedKeyField,
  /** The account's public recovery key, by which the machine checks what it opened; null: the account has none. */
  recoveryKey: bytesField(32).nullable(),
});
export type ClaimRecoveryAnswer = z.infer<typeof claimRecoveryAnswer>;

/** `POST /v1/escrow-recoveries/{recoveryId}/cancel` */
export const cancelRecoveryRequest = z.strictObject({});
