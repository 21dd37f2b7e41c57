// Reads a secret: a regular file of our own that nobody else can read, or one that systemd hands us; never through a symlink.
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { open } from 'node:fs/promises';
import { ProtocolError } from '#protocol';

const SECRET_FILE_BYTES_MAX = 64 * 1024;

/** throws secret_file_exposed (mode wider than 0600, symlink, another owner); ENOENT passes through. */
export async function readSecretFile(path: string): Promise<Buffer> {
  const file = await open(path, OPEN_FLAGS).catch((error: unknown) => {
    throw openRefusal(error, path);
  });
  try {
    checkSecret(await file.stat(), path);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/** The same at once, for small files that are read again only when they have changed. */
export function readSecretFileSync(path: string): Buffer {
  const file = openSecretSync(path);
  try {
    checkSecret(fstatSync(file), path);
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

/**
 * Reads a systemd credential (systemd.exec(5) "Credentials"): read-only, owned by root or by us, in a folder that only this
 * unit can enter. An access list may let us read it, and shows as the read bit of the group. Null when it is not there.
 *
 * throws   secret_file_exposed (others may read or anybody may write it, symlink, another owner)
 */
export async function readCredentialFile(path: string): Promise<Buffer | null> {
  const file = await open(path, OPEN_FLAGS).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw openRefusal(error, path);
  });
  if (file === null) return null;
  try {
    const stat = await file.stat();
    const known = stat.uid === 0 || stat.uid === process.getuid?.();
    checkFile(stat, path, known && (stat.mode & 0o037) === 0);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/**
 * Reads a file that says what this machine does, and is no secret: of our own or of root, and nobody else can write it.
 * Null when it is not there.
 *
 * throws   config_exposed (others may write it, symlink, another owner, no regular file)
 */
export async function readTrustedFile(path: string): Promise<Buffer | null> {
  const file = await open(path, OPEN_FLAGS).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error.code === 'ELOOP' ? new ProtocolError('config_exposed', { path }, { cause: error }) : error;
  });
  if (file === null) return null;
  try {
    const stat = await file.stat();
    const known = process.getuid === undefined || stat.uid === 0 || stat.uid === process.getuid();
    if (!stat.isFile() || !known || (stat.mode & 0o022) !== 0) {
      throw new ProtocolError('config_exposed', { path, mode: (stat.mode & 0o7777).toString(8) });
    }
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/** Not blocking: a named pipe would hold the process for good before it can be refused. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

function openSecretSync(path: string): number {
  try {
    return openSync(path, OPEN_FLAGS);
  } catch (error) {
    throw openRefusal(error, path);
  }
}

/** A symlink is refused with its own code; every other failure stays what it is. */
function openRefusal(error: unknown, path: string): unknown {
  if ((error as NodeJS.ErrnoException).code !== 'ELOOP') return error;
  return new ProtocolError('secret_file_exposed', { path }, { cause: error });
}

function checkSecret(stat: Stats, path: string): void {
  const foreign = process.getuid !== undefined && stat.uid !== process.getuid();
  checkFile(stat, path, (stat.mode & 0o077) === 0 && !foreign);
}

function checkFile(stat: Stats, path: string, isPrivate: boolean): void {
  if (stat.isFile() && isPrivate && stat.size <= SECRET_FILE_BYTES_MAX) return;
  throw new ProtocolError('secret_file_exposed', { path, mode: (stat.mode & 0o7777).toString(8) });
}
