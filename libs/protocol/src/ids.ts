// UUIDv7 (RFC 9562 §5.7): the ids of peers, transactions, objects and accounts.
import { strict as assert } from 'node:assert';
import { encodeHex } from './bytes.js';

declare const brand: unique symbol;
type Branded<T extends string> = string & { readonly [brand]: T };

export type PeerId = Branded<'PeerId'>;
export type AccountId = Branded<'AccountId'>;
export type TransactionId = Branded<'TransactionId'>;
export type ObjectId = Branded<'ObjectId'>;
export type GroupId = Branded<'GroupId'>;
export type TaskId = Branded<'TaskId'>;
export type LeaseId = Branded<'LeaseId'>;

/** Who asks a host for something: a peer, or the broker itself (probes and audits). */
export type Requester = PeerId | 'broker';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const UNIX_MS_MAX = 2 ** 48 - 1;

export function isUuidV7(text: string): boolean {
  return UUID_V7.test(text);
}

/**
 * Make a UUIDv7 from a time and randomness that the caller brings. Pure.
 *
 * nowMs     Unix ms, 48 bits
 * entropy   10 fresh random bytes (74 of their bits are used)
 */
export function uuidV7<T extends string>(nowMs: number, entropy: Uint8Array): T {
  assert(Number.isSafeInteger(nowMs) && nowMs >= 0 && nowMs <= UNIX_MS_MAX);
  assert.equal(entropy.length, 10);
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(0, Math.floor(nowMs / 0x10000));
  new DataView(bytes.buffer).setUint16(4, nowMs % 0x10000);
  bytes.set(entropy, 6);
  bytes[6] = (bytes[6]! & 0x0f) | 0x70;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = encodeHex(bytes);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}` as T;
}

/** The time inside a UUIDv7, Unix ms. */
export function uuidV7TimeMs(id: string): number {
  assert(isUuidV7(id));
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}
