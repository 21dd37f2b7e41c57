// Secrets at rest: AES-256-GCM-SIV under children of the key-encryption key, bound to what each secret is.
import { randomBytes } from 'node:crypto';
import { childKey, concatBytes, decodeBase64url, encodeBase64url, nodeSuite, utf8 } from '#protocol';

const NONCE_BYTES = 12;

/** One child key per kind of secret, so that a sealed one can never be opened as another kind. */
export type SecretKind = 'transaction-key' | 'ca-key';

export class KeyVault {
  private readonly keys: Readonly<Record<SecretKind, Uint8Array>>;

  constructor(keyEncryptionKey: Uint8Array) {
    this.keys = {
      'transaction-key': childKey(nodeSuite, keyEncryptionKey, 'peerkeep/1/at-rest/transaction-key'),
      'ca-key': childKey(nodeSuite, keyEncryptionKey, 'peerkeep/1/at-rest/ca-key'),
    };
  }

  /** base64url(nonce || ciphertext || tag). `about` is bound by the tag: whose secret it is. */
  seal(kind: SecretKind, about: string, secret: Uint8Array): string {
    const nonce = randomBytes(NONCE_BYTES);
    return encodeBase64url(concatBytes(nonce, nodeSuite.aes256GcmSivSeal(this.keys[kind], nonce, utf8(about), secret)));
  }

  /** The secret, or null when the text was not sealed by this vault for `about`. */
  open(kind: SecretKind, about: string, sealed: string): Uint8Array | null {
    const bytes = decodeBase64url(sealed);
    if (bytes === null || bytes.length <= NONCE_BYTES) return null;
    const nonce = bytes.subarray(0, NONCE_BYTES);
    return nodeSuite.aes256GcmSivOpen(this.keys[kind], nonce, utf8(about), bytes.subarray(NONCE_BYTES));
  }
}
