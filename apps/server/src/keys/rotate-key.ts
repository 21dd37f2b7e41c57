// Replaces the key-encryption key while everything goes on: a new key, every secret sealed anew, the old key destroyed.
// Whatever stops it, the next call goes on from there.
import type { EntityManager } from 'typeorm';
import type { Log } from '#process';
import type { DataDir } from '../config/data-dir.js';
import type { BrokerDatabase } from '../platform/broker-database.js';
import { type KeyFile, openNextKey, replaceKey } from './key-files.js';
import type { KeyVault } from './key-vault.js';
import { countOldRows, rewrapSecrets } from './rewrap-secrets.js';

export interface RotationParts {
  readonly database: BrokerDatabase;
  readonly vault: KeyVault;
  readonly dataDir: DataDir;
  readonly keyFile: KeyFile;
  readonly log: Log;
}

export interface RotationOptions {
  readonly onRewrapped?: (db: EntityManager, rewrapped: number) => Promise<void>;
  readonly isStopping?: () => boolean;
}

/**
 * Returns how many secrets this call sealed anew, or null when it was stopped before the end.
 *
 * throws   data_dir_corrupt | secret_file_exposed | usage (key-files.ts)
 */
export async function rotateKey(parts: RotationParts, options: RotationOptions = {}): Promise<number | null> {
  const { database, vault, keyFile, log } = parts;
  const { onRewrapped = async () => undefined, isStopping = () => false } = options;
  vault.beginRotation(await openNextKey(keyFile));
  log.info({ event: 'key_rotation_begun', keyId: vault.currentKeyId });
  // Units that sealed under the old key have ended when this one has.
  await database.write(async () => undefined);
  let rewrapped = 0;
  do {
    rewrapped += await rewrapSecrets({ ...parts, onRewrapped, isStopping }, rewrapped);
    if (isStopping()) return null;
    // Counted inside a unit: nothing is written meanwhile.
  } while ((await database.write((db) => countOldRows(db, vault))) > 0);
  if (!(await replaceKey(keyFile))) {
    log.warn({ event: 'key_file_not_replaced', detail: 'put the next key in the place of the key-encryption key' });
  }
  vault.endRotation();
  log.info({ event: 'key_rotation_ended', keyId: vault.currentKeyId, rewrapped });
  return rewrapped;
}
