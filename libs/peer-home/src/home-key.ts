// The home key: a secret that does not lie in the home (a systemd credential), under which the secret files of a home are
// sealed, so that a copy of the home alone opens nothing.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { readCredentialFile } from '#process';
import { childKey, concatBytes, decodeBase64url, encodeBase64url, nodeSuite, ProtocolError, utf8 } from '#protocol';

/** The name that a unit gives it: `LoadCredentialEncrypted=peerkeep-home-key`. */
export const HOME_KEY_CREDENTIAL = 'peerkeep-home-key';
/** Fewer bytes could be guessed. */
const SECRET_BYTES_MIN = 32;
const LABEL = 'peerkeep/1/home';
const NONCE_BYTES = 12;
const MARK = 'peerkeep-sealed-1 ';

/**
 * Seals and opens the files of a home. A sealed file is one line of text:
 *
 *   "peerkeep-sealed-1 " || base64url(nonce, 12 random bytes || AES-256-GCM-SIV(key, nonce, ad, content) || its tag, 16)
 *
 * with key = HKDF-SHA-256(credential, info "peerkeep/1/home") and ad = "peerkeep/1/home/<name of the file>", so that no
 * file passes for another.
 */
export class HomeKey {
  private readonly key: Uint8Array;

  /** secret: what the credential holds; random bytes, at least 32. throws home_key_invalid */
  constructor(secret: Uint8Array) {
    if (secret.length < SECRET_BYTES_MIN) throw new ProtocolError('home_key_invalid', { reason: 'short' });
    this.key = childKey(nodeSuite, secret, LABEL);
  }

  seal(file: string, content: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const sealed = nodeSuite.aes256GcmSivSeal(this.key, nonce, aboutOf(file), utf8(content));
    return `${MARK}${encodeBase64url(concatBytes(nonce, sealed))}\n`;
  }

  /** throws home_key_invalid: another key, another file, or damage; they look the same */
  open(file: string, text: string): string {
    const bytes = decodeBase64url(text.slice(MARK.length).trimEnd());
    const nonce = bytes?.subarray(0, NONCE_BYTES);
    const opened =
      bytes === null || nonce?.length !== NONCE_BYTES
        ? null
        : nodeSuite.aes256GcmSivOpen(this.key, nonce, aboutOf(file), bytes.subarray(NONCE_BYTES));
    if (opened === null) throw new ProtocolError('home_key_invalid', { file });
    return Buffer.from(opened).toString('utf8');
  }
}

export function isSealed(text: string): boolean {
  return text.startsWith(MARK);
}

/**
 * What a secret file says, sealed or not.
 *
 * throws   home_sealed: it is sealed, and there is no key; home_key_invalid
 */
export function openSecret(file: string, text: string, key: HomeKey | null): string {
  if (!isSealed(text)) return text;
  if (key === null) throw new ProtocolError('home_sealed', { file });
  return key.open(file, text);
}

/**
 * The home key that systemd hands to this process; null where it hands none.
 *
 * throws   home_key_invalid (too short) | secret_file_exposed
 */
export async function readHomeKey(environment: Readonly<Record<string, string | undefined>>): Promise<HomeKey | null> {
  const folder = environment.CREDENTIALS_DIRECTORY;
  if (folder === undefined || folder === '') return null;
  const secret = await readCredentialFile(join(folder, HOME_KEY_CREDENTIAL));
  return secret === null ? null : new HomeKey(secret);
}

function aboutOf(file: string): Uint8Array {
  return utf8(`${LABEL}/${file}`);
}
