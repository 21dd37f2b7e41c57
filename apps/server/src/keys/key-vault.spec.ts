// Secrets at rest open only as what they were sealed as, and only under a key-encryption key that still holds.

import { describe, expect, it } from 'vitest';
import { decodeBase64url, encodeBase64url } from '#protocol';
import { KeyVault } from './key-vault.js';

const keyOf = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const vault = new KeyVault(keyOf(1));
const secret = new Uint8Array(32).fill(9);
const sealed = vault.seal('transaction-key', 'kid/peer', secret);
const [keyId, text] = sealed.split('.') as [string, string];

describe('KeyVault', () => {
  it('opens what it sealed, and what the first release sealed without the id of its key', () => {
    expect(vault.open('transaction-key', 'kid/peer', sealed)).toEqual(secret);
    expect(vault.open('transaction-key', 'kid/peer', text)).toEqual(secret);
    expect([keyId, vault.isCurrent(sealed), vault.isCurrent(text)]).toEqual([vault.currentKeyId, true, false]);
  });

  it('seals the same secret differently each time', () => {
    expect(vault.seal('transaction-key', 'kid/peer', secret)).not.toBe(sealed);
  });

  it('opens nothing for another peer, another kind, another key, or after a change of one bit', () => {
    expect(vault.open('transaction-key', 'kid/other', sealed)).toBeNull();
    expect(vault.open('ca-key', 'kid/peer', sealed)).toBeNull();
    expect(new KeyVault(keyOf(2)).open('transaction-key', 'kid/peer', sealed)).toBeNull();
    expect(new KeyVault(keyOf(2)).open('transaction-key', 'kid/peer', text)).toBeNull();
    const bytes = decodeBase64url(text)!;
    for (let i = 0; i < bytes.length; i++) {
      const altered = Uint8Array.from(bytes);
      altered[i]! ^= 1;
      expect(vault.open('transaction-key', 'kid/peer', `${keyId}.${encodeBase64url(altered)}`)).toBeNull();
    }
    expect(vault.open('transaction-key', 'kid/peer', 'not base64url!')).toBeNull();
  });

  it('opens under both keys while one replaces the other, and under the old one no more', () => {
    const rotating = new KeyVault(keyOf(1));
    rotating.beginRotation(keyOf(3));
    rotating.beginRotation(keyOf(3));
    const after = rotating.seal('transaction-key', 'kid/peer', secret);
    expect([rotating.isCurrent(sealed), rotating.isCurrent(after), rotating.isRotating]).toEqual([false, true, true]);
    for (const each of [sealed, text, after])
      expect(rotating.open('transaction-key', 'kid/peer', each)).toEqual(secret);
    rotating.endRotation();
    expect(rotating.open('transaction-key', 'kid/peer', sealed)).toBeNull();
    expect(rotating.open('transaction-key', 'kid/peer', text)).toBeNull();
    expect(new KeyVault(keyOf(3)).open('transaction-key', 'kid/peer', after)).toEqual(secret);
  });
});
