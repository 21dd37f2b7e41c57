// Where the key-encryption key lies, and the one that is to replace it: opened, made, and put in its place.
import { randomBytes } from 'node:crypto';
import { access, rename } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { readCredentialFile, readSecretFile, syncDirectory, writeFileDurably } from '#process';
import { KEY_BYTES, ProtocolError } from '#protocol';
import { type DataDir, openKeyEncryptionKey } from '../config/data-dir.js';
import { KeyVault } from './key-vault.js';

export interface KeyFile {
  readonly path: string;
  /** Handed to us by systemd: read-only, and others' rights to it are systemd's to keep. */
  readonly isCredential: boolean;
}

/** What systemd calls the key when its unit has `LoadCredential=key-encryption-key:...`. */
const CREDENTIAL = 'key-encryption-key';

/** A directory that takes no changes: read-only, another owner's, or one file mounted alone. */
const NOT_WRITABLE = new Set(['EROFS', 'EACCES', 'EPERM', 'EBUSY']);

/**
 * The file of the key-encryption key: as the flag says, or PEERKEEP_KEY_ENCRYPTION_KEY_FILE, or the credential of
 * systemd when there is one, or beside the database.
 */
export async function findKeyFile(
  dataDir: Pick<DataDir, 'keyEncryptionKey'>,
  flags: { readonly keyFile?: string | undefined },
  environment: NodeJS.ProcessEnv,
): Promise<KeyFile> {
  const named = flags.keyFile ?? environment.PEERKEEP_KEY_ENCRYPTION_KEY_FILE;
  if (named) return { path: resolve(named), isCredential: false };
  const { CREDENTIALS_DIRECTORY: folder } = environment;
  if (folder && (await exists(join(folder, CREDENTIAL)))) return { path: join(folder, CREDENTIAL), isCredential: true };
  return { path: dataDir.keyEncryptionKey, isCredential: false };
}

/** Beside the key: the one that replaces it, for as long as a rotation takes. */
export function nextKeyFile({ path }: KeyFile): string {
  return `${path}.next`;
}

/**
 * The vault under the key-encryption key, and under its successor too when a rotation has begun and not ended.
 *
 * throws   secret_file_exposed | data_dir_corrupt
 */
export async function openVault(dataDir: DataDir, keyFile: KeyFile): Promise<KeyVault> {
  const key = keyFile.isCredential ? await readKey(keyFile, keyFile.path) : null;
  const vault = new KeyVault(key ?? (await openKeyEncryptionKey(dataDir, keyFile.path)));
  const next = await readKey(keyFile, nextKeyFile(keyFile));
  if (next !== null) vault.beginRotation(next);
  return vault;
}

/**
 * The successor, made and kept durably before anything is sealed under it; an earlier one is taken up.
 *
 * throws   usage where the directory cannot be written: there the operator puts the next key himself
 */
export async function openNextKey(keyFile: KeyFile): Promise<Uint8Array> {
  const path = nextKeyFile(keyFile);
  const there = await readKey(keyFile, path);
  if (there !== null) return there;
  const key = randomBytes(KEY_BYTES);
  try {
    await writeFileDurably(path, key, 0o600);
  } catch (error) {
    if (!isNotWritable(error)) throw error;
    const detail = `the folder of the key file cannot be written: put 32 random bytes at ${path} and restart`;
    throw new ProtocolError('usage', {}, { detail, cause: error });
  }
  return key;
}

/**
 * Put the successor in the place of the key, which is destroyed by that, durably. False where the directory cannot be
 * written: there the operator does the same.
 */
export async function replaceKey(keyFile: KeyFile): Promise<boolean> {
  try {
    await rename(nextKeyFile(keyFile), keyFile.path);
  } catch (error) {
    if (isNotWritable(error)) return false;
    throw error;
  }
  await syncDirectory(dirname(keyFile.path));
  return true;
}

async function readKey({ isCredential }: KeyFile, path: string): Promise<Uint8Array | null> {
  const key = await (isCredential ? readCredentialFile(path) : readSecretFile(path)).catch(nullIfMissing);
  if (key !== null && key.length !== KEY_BYTES) throw new ProtocolError('data_dir_corrupt', { path });
  return key;
}

function isNotWritable(error: unknown): boolean {
  return NOT_WRITABLE.has((error as NodeJS.ErrnoException).code ?? '');
}

async function exists(path: string): Promise<boolean> {
  return (await access(path).then(() => true, nullIfMissing)) ?? false;
}

function nullIfMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}
