// The key hierarchy of a person's data: one master key, and one HKDF child for each use.
import { strict as assert } from 'node:assert';
import { hkdfSync } from 'node:crypto';
import { KEY_BYTES } from '#protocol';

/**
 * The children of a master key, 32 bytes each, none used for two purposes.
 *
 * chunkIdKey     HMAC key of chunk ids
 * chunkerKey     seed of the chunker's gear table
 * objectsKey     root of the keys of objects
 * cacheKey       HMAC key of the local cache files
 * recoverySeed   Ed25519 seed of the account's recovery key
 * kitKey         root of the keys of recovery kits
 */
export interface DataKeys {
  readonly chunkIdKey: Uint8Array;
  readonly chunkerKey: Uint8Array;
  readonly objectsKey: Uint8Array;
  readonly cacheKey: Uint8Array;
  readonly recoverySeed: Uint8Array;
  readonly kitKey: Uint8Array;
}

/**
 * Derive every data key from the master key. Pure.
 *
 * masterKey   32 bytes of the OS CSPRNG, or of a recovery phrase
 * source      RFC 5869 with SHA-256, empty salt, info = the ASCII label
 */
export function deriveDataKeys(masterKey: Uint8Array): DataKeys {
  assert.equal(masterKey.length, KEY_BYTES);
  const child = (label: string) => new Uint8Array(hkdfSync('sha256', masterKey, '', label, KEY_BYTES));
  return {
    chunkIdKey: child('peerkeep/1/data/chunk-id'),
    chunkerKey: child('peerkeep/1/data/chunker'),
    objectsKey: child('peerkeep/1/data/objects'),
    cacheKey: child('peerkeep/1/data/cache'),
    recoverySeed: child('peerkeep/1/recovery'),
    kitKey: child('peerkeep/1/data/kit'),
  };
}
