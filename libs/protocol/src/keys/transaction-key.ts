// A peer's transaction key (TK) and the sub-keys that are its only uses (SPEC §2).
import { strict as assert } from 'node:assert';
import { concatBytes, encodeHex, utf8 } from '../bytes.js';
import { childKey } from '../crypto/hkdf.js';
import { nodeSuite } from '../crypto/node-suite.js';
import type { CryptoSuite, Mac } from '../crypto/suite.js';
import { KEY_BYTES } from '../limits.js';
import { V3LocalKey } from '../paseto/v3-local.js';

const KID_BYTES = 8;

/** A key of a host under which tokens for it are sealed, and which of them. */
export interface TokenKey {
  readonly token: V3LocalKey;
  /** For tokens of op `offline`, and for no others. */
  readonly isOffline: boolean;
}

export class TransactionKey implements TokenKey {
  readonly isOffline = false;
  /** The public name of the key: 16 hex digits. */
  readonly kid: string;
  /** Seals and opens the tokens for the host that owns this key. */
  readonly token: V3LocalKey;
  /** Signs what the peer says to the broker, and what the broker answers; one key a direction. */
  readonly toBroker: Mac;
  readonly toPeer: Mac;
  /** Seals the next transaction key on its way to the peer. */
  readonly wrap: Uint8Array;
  private offlineKey: OfflineKey | null = null;

  /** bytes: 32, from the CSPRNG of the operating system, never from a password (B3). */
  constructor(
    readonly bytes: Uint8Array,
    readonly suite: CryptoSuite = nodeSuite,
  ) {
    assert.equal(bytes.length, KEY_BYTES);
    this.kid = kidOf(suite, bytes);
    this.token = new V3LocalKey(childKey(suite, bytes, 'peerkeep/1/token'), suite);
    this.toBroker = suite.hmacSha256(childKey(suite, bytes, 'peerkeep/1/control/to-broker'));
    this.toPeer = suite.hmacSha256(childKey(suite, bytes, 'peerkeep/1/control/to-peer'));
    this.wrap = childKey(suite, bytes, 'peerkeep/1/wrap');
  }

  /** Seals and opens the tokens of recovery kits. It outlives this key at the host, and tells nothing of it. */
  get offline(): OfflineKey {
    this.offlineKey ??= new OfflineKey(childKey(this.suite, this.bytes, 'peerkeep/1/offline'), this.suite);
    return this.offlineKey;
  }
}

/** The sub-key of a transaction key for tokens that live for months (SPEC §4.6). */
export class OfflineKey implements TokenKey {
  readonly isOffline = true;
  readonly kid: string;
  readonly token: V3LocalKey;

  /** bytes: 32, of `TransactionKey.offline` */
  constructor(
    readonly bytes: Uint8Array,
    suite: CryptoSuite = nodeSuite,
  ) {
    assert.equal(bytes.length, KEY_BYTES);
    this.kid = kidOf(suite, bytes);
    this.token = new V3LocalKey(bytes, suite);
  }
}

function kidOf(suite: CryptoSuite, bytes: Uint8Array): string {
  return encodeHex(suite.sha256(concatBytes(utf8('peerkeep/1/kid'), bytes)).subarray(0, KID_BYTES));
}
