// E-mail addresses: one spelling for one mailbox, judged by shape alone. Pure.
import { domainToASCII } from 'node:url';

// RFC 5321 §4.5.3.1.
const LOCAL_BYTES_MAX = 64;
const ADDRESS_BYTES_MAX = 254;

/** RFC 5322 dot-atom with what RFC 6531 adds; no quoted forms, which no mailbox of a person needs. */
const LOCAL = /^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+(?:\.[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

declare const brand: unique symbol;
/** An address in the one spelling under which accounts are told apart. */
export type Email = string & { readonly [brand]: 'Email' };

/**
 * The address as accounts keep it: trimmed, NFC, lower case, its domain in ASCII. Case is dropped before the @ as well:
 * two people whose addresses differ by case alone share a mailbox everywhere.
 *
 * returns  null for what has not the shape of an address
 */
export function parseEmail(text: string): Email | null {
  if (text.length > 2 * ADDRESS_BYTES_MAX) return null;
  const address = text.trim().normalize('NFC').toLowerCase();
  const at = address.lastIndexOf('@');
  const local = address.slice(0, Math.max(at, 0));
  const domain = domainToASCII(address.slice(at + 1));
  if (!LOCAL.test(local) || Buffer.byteLength(local) > LOCAL_BYTES_MAX) return null;
  if (!domain.split('.').every((label) => LABEL.test(label))) return null;
  const whole = `${local}@${domain}`;
  return Buffer.byteLength(whole) <= ADDRESS_BYTES_MAX ? (whole as Email) : null;
}
