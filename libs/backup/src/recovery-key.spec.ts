// The recovery key: RFC 8032 vectors, and signatures that an independent verifier accepts.
import { createPublicKey, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { encodeBase64url, encodeHex, utf8 } from '#protocol';
import { recoveryKeyPair } from './recovery-key.js';

// RFC 8032 §7.1, TEST 1 to 3
const VECTORS = [
  {
    seed: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    publicKey: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    message: '',
    signature:
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  },
  {
    seed: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    publicKey: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    message: '72',
    signature:
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  },
];

describe('recovery key', () => {
  it.each(VECTORS)('matches RFC 8032 for the seed $seed', ({ seed, publicKey, message, signature }) => {
    const pair = recoveryKeyPair(Buffer.from(seed, 'hex'));
    expect(encodeHex(pair.publicKey)).toBe(publicKey);
    expect(encodeHex(pair.sign(Buffer.from(message, 'hex')))).toBe(signature);
  });

  it('signs what its public key verifies, and nothing else', () => {
    const pair = recoveryKeyPair(new Uint8Array(32).fill(9));
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(pair.publicKey) };
    const publicKey = createPublicKey({ key: jwk, format: 'jwk' });
    const signature = pair.sign(utf8('challenge'));
    expect(verify(null, utf8('challenge'), publicKey, signature)).toBe(true);
    expect(verify(null, utf8('challengf'), publicKey, signature)).toBe(false);
  });
});
