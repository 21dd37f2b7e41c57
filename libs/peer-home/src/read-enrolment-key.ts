// Where an enrolment key comes from: the command line, a file, or the environment; one of them.
import { readSecretFile } from '#process';
import { ProtocolError } from '#protocol';
import type { EnrolmentKeySources } from './enrol-here.js';

export const ENROLMENT_KEY_VARIABLE = 'PEERKEEP_ENROLMENT_KEY';

/**
 * The key as text; null where none was given. What the command line says goes before the environment.
 *
 * throws   usage (--key and --key-file) | path_missing | secret_file_exposed (the file is not ours alone)
 */
export async function readEnrolmentKey({ key, keyFile, environment }: EnrolmentKeySources): Promise<string | null> {
  if (key !== undefined && keyFile !== undefined) {
    throw new ProtocolError('usage', {}, { detail: 'give --key or --key-file, not both' });
  }
  if (key !== undefined) return key;
  if (keyFile !== undefined) return readKeyFile(keyFile);
  // An empty variable is how a shell says that there is none.
  return environment[ENROLMENT_KEY_VARIABLE]?.trim() || null;
}

async function readKeyFile(path: string): Promise<string> {
  try {
    return (await readSecretFile(path)).toString('utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new ProtocolError('path_missing', { path }, { cause: error });
  }
}
