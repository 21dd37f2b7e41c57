// Fixed values that the tests of the protocol share: two keys, three peers, one transaction. No test depends on the clock.
import { createHash, generateKeyPairSync } from 'node:crypto';
import { utf8 } from '../src/bytes.js';
import { contentIdOf } from '../src/content-id/content-id.js';
import type { CryptoSuite } from '../src/crypto/suite.js';
import type { ErrorCode } from '../src/errors.js';
import { isRefusal } from '../src/errors.js';
import type { PeerId, TransactionId } from '../src/ids.js';
import { TransactionKey } from '../src/keys/transaction-key.js';
import type { TokenClaims } from '../src/token/claims.js';
import type { TokenExpectation } from '../src/token/verify-token.js';

export const TRUST_DOMAIN = 'backup.example';
export const HOST_ID = '0193f3a0-0000-7000-8000-00000000000a' as PeerId;
export const CLIENT_ID = '0193f3a0-0000-7000-8000-00000000000b' as PeerId;
export const OTHER_ID = '0193f3a0-0000-7000-8000-00000000000c' as PeerId;
export const TRANSACTION_ID = '0193f3a0-0000-7000-8000-00000000000d' as TransactionId;
export const NOW_MS = Date.UTC(2026, 10, 20, 8);
export const CID = contentIdOf(utf8('a shard'));
export const OTHER_CID = contentIdOf(utf8('another shard'));

/** 32 bytes that anyone can make again: SHA-256 of the name. */
export function exampleBytes(name: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(name).digest());
}

export function exampleKey(suite: CryptoSuite, name = 'transaction key'): TransactionKey {
  return new TransactionKey(exampleBytes(name), suite);
}

export function exampleClaims(changes: Partial<TokenClaims> = {}): TokenClaims {
  return {
    trustDomain: TRUST_DOMAIN,
    hostId: HOST_ID,
    clientId: CLIENT_ID,
    transactionId: TRANSACTION_ID,
    issuedAtMs: NOW_MS,
    notBeforeMs: NOW_MS,
    expiresAtMs: NOW_MS + 15 * 60_000,
    op: 'put',
    items: [{ cid: CID, sizeBytes: 1000 }],
    ...changes,
  };
}

/** What the host expects of the token of exampleClaims, which is under `key`. */
export function exampleExpectation(key: TransactionKey, changes: Partial<TokenExpectation> = {}): TokenExpectation {
  return {
    keyOf: (kid) => [key, key.offline].find((known) => known.kid === kid),
    trustDomain: TRUST_DOMAIN,
    hostId: HOST_ID,
    clientId: CLIENT_ID,
    op: 'put',
    cid: CID,
    nowMs: NOW_MS,
    ...changes,
  };
}

/** The code of the refusal, or 'accepted'. Anything else that is thrown is a fault of ours and goes on. */
export function codeOf(action: () => unknown): ErrorCode | 'accepted' {
  try {
    action();
  } catch (error) {
    if (isRefusal(error)) return error.code;
    throw error;
  }
  return 'accepted';
}

export function p256KeyPair() {
  return generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
}
