// Bytes and their texts. Decoding is strict: one value has one text (RFC 4648 §3.5, §5).

const HEX = /^(?:[0-9a-f]{2})*$/;
const BASE64URL = /^[A-Za-z0-9_-]*$/;
// The characters that leave no stray bits: multiples of 16 after one character of six bits, of 4 after two.
const LAST_OF_TWO = 'AQgw';
const LAST_OF_THREE = 'AEIMQUYcgkosw048';

export type Bytes = Uint8Array;

/** base64url without padding. */
export function encodeBase64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}

/**
 * How many bytes a base64url text stands for; null for anything that is not the one canonical text of some bytes:
 * padding, spaces, other alphabets and stray trailing bits are all refused. node:buffer alone accepts those (many
 * texts, one token).
 */
export function base64urlLength(text: string): number | null {
  const tailChars = text.length % 4;
  if (tailChars === 1 || !BASE64URL.test(text)) return null;
  if (tailChars === 2 && !LAST_OF_TWO.includes(text.at(-1)!)) return null;
  if (tailChars === 3 && !LAST_OF_THREE.includes(text.at(-1)!)) return null;
  return Math.floor((text.length * 3) / 4);
}

/** Decode base64url; null for anything but canonical text, see base64urlLength. */
export function decodeBase64url(text: string): Uint8Array | null {
  if (base64urlLength(text) === null) return null;
  const bytes = Buffer.from(text, 'base64url');
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function encodeHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** Decode lower-case hex; null for anything else. */
export function decodeHex(text: string): Uint8Array | null {
  if (!HEX.test(text)) return null;
  const bytes = Buffer.from(text, 'hex');
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function utf8(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'utf8');
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Bytes whose content is arbitrary until the caller has written each of them: no time goes into zeros. */
export function newBytes(length: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(length);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = newBytes(length);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** Compare in time that depends on the lengths only. Unequal lengths are unequal, not an error. */
export function equalInConstantTime(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  let difference = 0;
  for (let i = 0; i < left.length; i++) difference |= left[i]! ^ right[i]!;
  return difference === 0;
}
