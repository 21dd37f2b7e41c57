// The broker's data directory: who may read it, and where its files are.
import { randomBytes } from 'node:crypto';
import { access, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readSecretFile, writeFileDurably } from '#process';
import { KEY_BYTES, ProtocolError } from '#protocol';

export interface DataDir {
  readonly path: string;
  readonly database: string;
  readonly lock: string;
  readonly keyEncryptionKey: string;
  readonly caCertificate: string;
  readonly caKey: string;
  readonly policy: string;
  /** Mails, when the policy has them written to a folder. */
  readonly mail: string;
  /** Entries of the ledger that are no longer in the database. */
  readonly ledger: string;
}

export function dataDirAt(path: string): DataDir {
  return {
    path,
    database: join(path, 'broker.db'),
    lock: join(path, 'broker.lock'),
    keyEncryptionKey: join(path, 'key-encryption.key'),
    caCertificate: join(path, 'ca.pem'),
    caKey: join(path, 'ca.key.sealed'),
    policy: join(path, 'policy.json'),
    mail: join(path, 'mail'),
    ledger: join(path, 'ledger'),
  };
}

/** Make the directory (mode 0700) when it is missing; refuse one that others can enter. */
export async function prepareDataDir(path: string): Promise<DataDir> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) {
    const detail = `others can enter the data directory; run chmod 700 on it`;
    throw new ProtocolError('secret_file_exposed', { path, mode: (mode & 0o7777).toString(8) }, { detail });
  }
  return dataDirAt(path);
}

/** throws data_dir_missing unless a broker has started there before */
export async function existingDataDir(path: string): Promise<DataDir> {
  const dataDir = dataDirAt(path);
  await access(dataDir.database).catch((error: unknown) => {
    throw new ProtocolError('data_dir_missing', { path }, { cause: error });
  });
  return dataDir;
}

/**
 * The key-encryption key at `path`, 32 bytes. A new one is made only in a directory without a CA: with one, a missing key is a
 * loss that a fresh key would hide until the first secret does not open.
 *
 * throws   secret_file_exposed | data_dir_corrupt
 */
export async function openKeyEncryptionKey(dataDir: DataDir, path = dataDir.keyEncryptionKey): Promise<Uint8Array> {
  try {
    const key = await readSecretFile(path);
    if (key.length !== KEY_BYTES) throw new ProtocolError('data_dir_corrupt', { path });
    return key;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  if (await exists(dataDir.caKey)) throw new ProtocolError('data_dir_corrupt', { path });
  const key = randomBytes(KEY_BYTES);
  await writeFileDurably(path, key, 0o600);
  return key;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
}
