// Secrets at rest: AES-256-GCM-SIV under children of a key-encryption key, bound to what each secret is. A sealed text
// begins with the id of its key-encryption key, so that two of them may hold while one replaces the other.
import { strict as assert } from 'node:assert';
import { createHash, randomBytes } from 'node:crypto';
import { childKey, concatBytes, decodeBase64url, encodeBase64url, KEY_BYTES, nodeSuite, utf8 } from '#protocol';
import { SECRET_KINDS, type SecretKind } from './sealed-secrets.js';

export type { SecretKind } from './sealed-secrets.js';

const NONCE_BYTES = 12;
const SEALED = /^([0-9a-f]{16})\.([A-Za-z0-9_-]+)$/;

type ChildKeys = Readonly<Record<SecretKind, Uint8Array>>;

export class KeyVault {
  private current: string;
  /** By the id of the key-encryption key: the current one and, during a rotation, the one that it replaces. */
  private readonly ring = new Map<string, ChildKeys>();

  constructor(keyEncryptionKey: Uint8Array) {
    this.current = this.add(keyEncryptionKey);
  }

  /** The public name of the key-encryption key that seals: 16 hex digits. */
  get currentKeyId(): string {
    return this.current;
  }

  get isRotating(): boolean {
    return this.ring.size > 1;
  }

  /**
   * `<id of the key-encryption key>.<base64url(nonce || ciphertext || tag)>`. Seal inside the write unit that stores the
   * text: a rotation counts on it that units which begin after its own hold no text under the old key.
   *
   * about    bound by the tag: whose secret it is, as sealed-secrets.ts tells for the kind
   */
  seal(kind: SecretKind, about: string, secret: Uint8Array): string {
    const nonce = randomBytes(NONCE_BYTES);
    const key = this.ring.get(this.current)![kind];
    const sealed = concatBytes(nonce, nodeSuite.aes256GcmSivSeal(key, nonce, utf8(about), secret));
    return `${this.current}.${encodeBase64url(sealed)}`;
  }

  /** The secret, or null when the text was not sealed by this vault for `about`. */
  open(kind: SecretKind, about: string, sealed: string): Uint8Array | null {
    const [, id, text] = SEALED.exec(sealed) ?? [];
    if (id !== undefined && text !== undefined) return this.openUnder(this.ring.get(id), kind, about, text);
    // The first release wrote no id.
    for (const keys of this.ring.values()) {
      const secret = this.openUnder(keys, kind, about, sealed);
      if (secret !== null) return secret;
    }
    return null;
  }

  isCurrent(sealed: string): boolean {
    return sealed.startsWith(`${this.current}.`);
  }

  /** From here on seal under `next`, and open what either key has sealed. The same key again changes nothing. */
  beginRotation(next: Uint8Array): void {
    const id = this.add(next);
    assert(this.ring.size <= 2, 'one rotation at a time');
    this.current = id;
  }

  /** Forget the key that was replaced: nothing is sealed under it any more. */
  endRotation(): void {
    for (const [id, keys] of this.ring) {
      if (id === this.current) continue;
      for (const key of Object.values(keys)) key.fill(0);
      this.ring.delete(id);
    }
  }

  private add(keyEncryptionKey: Uint8Array): string {
    assert.equal(keyEncryptionKey.length, KEY_BYTES);
    const hash = createHash('sha256').update('peerkeep/1/key-encryption-key-id').update(keyEncryptionKey);
    const id = hash.digest('hex').slice(0, 16);
    if (!this.ring.has(id)) {
      const child = (kind: SecretKind): [SecretKind, Uint8Array] => [
        kind,
        childKey(nodeSuite, keyEncryptionKey, `peerkeep/1/at-rest/${kind}`),
      ];
      this.ring.set(id, Object.fromEntries(SECRET_KINDS.map(child)) as unknown as ChildKeys);
    }
    return id;
  }

  private openUnder(keys: ChildKeys | undefined, kind: SecretKind, about: string, text: string): Uint8Array | null {
    const bytes = decodeBase64url(text);
    if (keys === undefined || bytes === null || bytes.length <= NONCE_BYTES) return null;
    const nonce = bytes.subarray(0, NONCE_BYTES);
    return nodeSuite.aes256GcmSivOpen(keys[kind], nonce, utf8(about), bytes.subarray(NONCE_BYTES));
  }
}
