// What is in escrow opens for the account and the escrow that it was sealed for, and for nothing else.
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decodeBase64url, encodeBase64url } from '../bytes.js';
import type { AccountId } from '../ids.js';
import { deriveEscrowKey, ESCROW_SEALED_BYTES, openMasterKey, sealMasterKey } from './escrow.js';

const secret = randomBytes(32);
const masterKey = randomBytes(32);
const name = { accountId: '01890000-0000-7000-8000-00000000000a' as AccountId, escrowId: 'e1' };
const escrow = { ...name, key: deriveEscrowKey(secret, name) };
const sealed = sealMasterKey(masterKey, escrow, randomBytes(12));

describe('a sealed master key', () => {
  it('opens under its own name and second key', () => {
    expect(openMasterKey(sealed, escrow)).toEqual(new Uint8Array(masterKey));
    expect(decodeBase64url(sealed)).toHaveLength(ESCROW_SEALED_BYTES);
  });

  it.each([
    ['for another account', sealed, { ...escrow, accountId: '01890000-0000-7000-8000-00000000000b' as AccountId }],
    ['for another escrow', sealed, { ...escrow, escrowId: 'e2' }],
    ['under another key', sealed, { ...escrow, key: deriveEscrowKey(secret, { ...name, escrowId: 'e2' }) }],
    ['when it was cut', sealed.slice(0, -4), escrow],
    ['when it is no base64url', `${sealed.slice(0, -1)}=`, escrow],
    ['when a bit was turned', turned(sealed), escrow],
  ])('is a mismatch %s', (_when, text, under) => {
    expect(() => openMasterKey(text, under)).toThrow(expect.objectContaining({ code: 'escrow_mismatch' }));
  });
});

function turned(text: string): string {
  const bytes = decodeBase64url(text)!;
  bytes[20]! ^= 1;
  return encodeBase64url(bytes);
}
