// Which public names a machine may get, in the order in which it tries them: what it is called itself, then with a few
// random characters behind. Pure.
import { PEER_NAME_CHARS_MAX } from '#protocol';

/** Base32 (RFC 4648 §6) in lower case: no character looks like another one of it. */
const SUFFIX_ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const SUFFIX_CHARS = 4;
const STEM_CHARS_MAX = PEER_NAME_CHARS_MAX - 1 - SUFFIX_CHARS;

/** Names that programs and people take for the operator's own, wherever they stand below a domain. */
const RESERVED: ReadonlySet<string> = new Set([
  'www',
  'web',
  'api',
  'app',
  'admin',
  'root',
  'broker',
  'relay',
  'dns',
  'ns',
  'ns1',
  'ns2',
  'mail',
  'smtp',
  'imap',
  'ftp',
  'ssh',
  'vpn',
  'login',
  'account',
  'accounts',
  'status',
  'support',
  'help',
  'localhost',
  'localdomain',
  // Browsers and mail programs take their settings from these by themselves.
  'wpad',
  'isatap',
  'autoconfig',
  'autodiscover',
  'mta-sts',
  'openpgpkey',
]);
/** RFC 5891 §4.2.3.1: such a label would be shown as other characters than it has. */
const ENCODED = /^..--/;

/** May a peer be called exactly so? */
export function isFreeToClaim(name: string): boolean {
  return !RESERVED.has(name) && !ENCODED.test(name);
}

/** The name with a suffix: `stem-xxxx`. randomBytes: at least 4 of them */
export function suffixedName(name: string, randomBytes: Uint8Array): string {
  const stem = ENCODED.test(name) ? 'peer' : name.slice(0, STEM_CHARS_MAX).replace(/-+$/, '');
  const suffix = Array.from(randomBytes.subarray(0, SUFFIX_CHARS), (byte) => SUFFIX_ALPHABET[byte & 31]).join('');
  return `${stem}-${suffix}`;
}
