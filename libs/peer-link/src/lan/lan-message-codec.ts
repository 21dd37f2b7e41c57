/**
 * Messages to neighbours as datagrams that strangers can neither read nor make (SPEC §14.2). Pure.
 *
 *   offset  size  field
 *   0       2     0x50 0x4b ("PK")
 *   2       1     version: 1
 *   3       4     epoch of the domain's key, big-endian
 *   7       12    nonce, random
 *   19            the message (lan-message.ts) sealed by AES-256-GCM-SIV (RFC 8452) under that key; its 16-byte tag is last
 *
 * The first 7 bytes are authenticated as associated data.
 */
import { strict as assert } from 'node:assert';
import type { LanEpochKey } from '#peer-home';
import { type CryptoSuite, concatBytes } from '#protocol';
import { decodeLanMessage, encodeLanMessage, type LanMessage } from './lan-message.js';
import { LAN_DATAGRAM_BYTES_MAX } from './lan-rules.js';

/** Under which the peers of a domain speak on local networks for a time. */
export type LanSealingKey = Pick<LanEpochKey, 'epoch' | 'key'>;

export const LAN_NONCE_BYTES = 12;
const MAGIC = [0x50, 0x4b] as const;
const VERSION = 1;
const HEADER_BYTES = 7;
const SEALED_FROM = HEADER_BYTES + LAN_NONCE_BYTES;
const TAG_BYTES = 16;

/**
 * nonce     12 fresh random bytes
 * returns   at most LAN_DATAGRAM_BYTES_MAX bytes
 */
export function sealLanMessage(
  suite: CryptoSuite,
  { epoch, key }: LanSealingKey,
  nonce: Uint8Array,
  message: LanMessage,
): Uint8Array {
  assert.equal(nonce.length, LAN_NONCE_BYTES);
  const header = Buffer.alloc(HEADER_BYTES);
  header.set([...MAGIC, VERSION]);
  header.writeUInt32BE(epoch, 3);
  const datagram = concatBytes(header, nonce, suite.aes256GcmSivSeal(key, nonce, header, encodeLanMessage(message)));
  assert(datagram.length <= LAN_DATAGRAM_BYTES_MAX);
  return datagram;
}

/** What a datagram says; null for one that no peer of this domain made under one of these keys. */
export function openLanMessage(
  suite: CryptoSuite,
  keys: readonly LanSealingKey[],
  datagram: Uint8Array,
): LanMessage | null {
  const nonce = lanNonceOf(datagram);
  if (nonce === null) return null;
  const header = datagram.subarray(0, HEADER_BYTES);
  const epoch = Buffer.from(header).readUInt32BE(3);
  const key = keys.find((known) => known.epoch === epoch);
  if (key === undefined) return null;
  const opened = suite.aes256GcmSivOpen(key.key, nonce, header, datagram.subarray(SEALED_FROM));
  return opened === null ? null : decodeLanMessage(opened);
}

/** The nonce of what may be a message, by which it is told from others; null for what cannot be one. */
export function lanNonceOf(datagram: Uint8Array): Uint8Array | null {
  const { length } = datagram;
  if (length < SEALED_FROM + TAG_BYTES || length > LAN_DATAGRAM_BYTES_MAX) return null;
  if (datagram[0] !== MAGIC[0] || datagram[1] !== MAGIC[1] || datagram[2] !== VERSION) return null;
  return datagram.subarray(HEADER_BYTES, SEALED_FROM);
}
