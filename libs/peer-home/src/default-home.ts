// Where a peer's home is, and what its machine is called, when nobody says.
import { homedir, hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { PEER_NAME_CHARS_MAX } from '#protocol';

/** The option, else PEERKEEP_HOME, else the data folder of this person (XDG Base Directory Specification). */
export function homePathOf(
  option: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  const dataHome = environment.XDG_DATA_HOME || join(homedir(), '.local', 'share');
  return resolve(option || environment.PEERKEEP_HOME || join(dataHome, 'peerkeep'));
}

/** The first label of the host name, with what a peer name may not hold replaced. */
export function nameOfMachine(host = hostname()): string {
  const label = host.split('.')[0]!.toLowerCase();
  const name = label.replaceAll(/[^a-z0-9-]/g, '-').slice(0, PEER_NAME_CHARS_MAX);
  return name.replaceAll(/^-+|-+$/g, '') || 'peer';
}
