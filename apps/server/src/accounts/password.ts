// What a password may be, and its one spelling before it is hashed (RFC 8265 §4.2, OpaqueString). Pure.
import type { Email } from './email.js';

const CHARS_MIN = 10;
const BYTES_MAX = 1_024;

declare const brand: unique symbol;
/** A password in its one spelling, of a length that is worth hashing. */
export type Password = string & { readonly [brand]: 'Password' };

/**
 * The spelling in which a password is compared, so that the same keys on another machine give the same bytes: spaces of
 * all kinds are the ASCII space, then NFC.
 *
 * returns   null for what no account can have: empty, too long, or with control characters
 */
export function spellPassword(text: string): Password | null {
  if (text.length > BYTES_MAX) return null;
  const spelled = text.replace(/\p{Zs}/gu, ' ').normalize('NFC');
  if (spelled === '' || /\p{Cc}/u.test(spelled) || Buffer.byteLength(spelled) > BYTES_MAX) return null;
  return spelled as Password;
}

export type NewPassword =
  | { readonly ok: true; readonly password: Password }
  | { readonly ok: false; readonly fault: string };

/**
 * May this be a new password? Long, and not what stands beside it; no rules about kinds of characters, which make
 * passwords worse (NIST SP 800-63B §3.1.1).
 */
export function judgeNewPassword(
  text: string,
  beside: { readonly email: Email | null; readonly name: string },
): NewPassword {
  const password = spellPassword(text);
  if (password === null) {
    return {
      ok: false,
      fault: `Use ${CHARS_MIN} or more characters, ${BYTES_MAX} bytes at most, without control characters.`,
    };
  }
  if ([...password].length < CHARS_MIN) return { ok: false, fault: `Use ${CHARS_MIN} or more characters.` };
  const lower = password.toLowerCase();
  if (lower === beside.email || lower === beside.name.toLowerCase()) {
    return { ok: false, fault: 'Use something other than your e-mail address or name.' };
  }
  return { ok: true, password };
}
