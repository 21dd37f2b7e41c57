// The broker's half of a token: claims sealed under the host's key, for this domain, host and use alone (SPEC §4).
import { strict as assert } from 'node:assert';
import { utf8 } from '../bytes.js';
import type { PeerId } from '../ids.js';
import type { TransactionKey } from '../keys/transaction-key.js';
import { BATCH_TOKEN_TEXT_BYTES_MAX, TOKEN_TEXT_BYTES_MAX } from '../limits.js';
import { sealV3Local } from '../paseto/v3-local.js';
import { areSound, encodeClaims, type TokenClaims } from './claims.js';

/**
 * Seal a token for its host. Pure.
 *
 * key      the transaction key of claims.hostId; an offline token is sealed under the offline key of it
 * nonce    32 fresh random bytes
 * returns  PASETO v3.local, at most TOKEN_TEXT_BYTES_MAX; of a batch, at most BATCH_TOKEN_TEXT_BYTES_MAX
 */
export function sealToken(key: TransactionKey, claims: TokenClaims, nonce: Uint8Array): string {
  assert(areSound(claims));
  const isOffline = claims.op === 'offline';
  const under = isOffline ? key.offline : key;
  const token = sealV3Local(under.token, utf8(encodeClaims(claims)), {
    footer: encodeFooter(under.kid),
    implicit: implicitAssertion(claims.trustDomain, claims.hostId),
    nonce,
  });
  assert(token.length <= (claims.items.length > 1 && !isOffline ? BATCH_TOKEN_TEXT_BYTES_MAX : TOKEN_TEXT_BYTES_MAX));
  return token;
}

export function encodeFooter(kid: string): Uint8Array {
  return utf8(`{"kid":"${kid}"}`);
}

/** Bound by the MAC, never sent: a token for another domain, another host or another use fails (B10). */
export function implicitAssertion(trustDomain: string, hostId: PeerId): Uint8Array {
  return utf8(`peerkeep/1/transaction/${trustDomain}/${hostId}`);
}
