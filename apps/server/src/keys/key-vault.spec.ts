// Secrets at rest open only as what they were sealed as.

import { describe, expect, it } from 'vitest';
import { decodeBase64url, encodeBase64url } from '#protocol';
import { KeyVault } from './key-vault.js';

const vault = new KeyVault(new Uint8Array(32).fill(1));
const secret = new Uint8Array(32).fill(9);
const sealed = vault.seal('transaction-key', 'kid/peer', secret);

describe('KeyVault', () => {
  it('opens what it sealed', () => {
    expect(vault.open('transaction-key', 'kid/peer', sealed)).toEqual(secret);
  });

  it('seals the same secret differently each time', () => {
    expect(vault.seal('transaction-key', 'kid/peer', secret)).not.toBe(sealed);
  });

  it('opens nothing for another peer, another kind, another key, or after a change of one bit', () => {
    expect(vault.open('transaction-key', 'kid/other', sealed)).toBeNull();
    expect(vault.open('ca-key', 'kid/peer', sealed)).toBeNull();
    expect(new KeyVault(new Uint8Array(32).fill(2)).open('transaction-key', 'kid/peer', sealed)).toBeNull();
    const bytes = decodeBase64url(sealed)!;
    for (let i = 0; i < bytes.length; i++) {
      const altered = Uint8Array.from(bytes);
      altered[i]! ^= 1;
      expect(vault.open('transaction-key', 'kid/peer', encodeBase64url(altered))).toBeNull();
    }
    expect(vault.open('transaction-key', 'kid/peer', 'not base64url!')).toBeNull();
  });
});
