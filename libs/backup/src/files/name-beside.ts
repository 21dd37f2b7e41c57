// The name under which an entry is made beside the one that it replaces.
import { randomBytes } from 'node:crypto';

/** Nobody can guess it, so nobody can put anything in its place before it is made. It shows whose rest it is after a crash. */
export function nameBeside(): Buffer {
  return Buffer.from(`.peerkeep-${randomBytes(8).toString('hex')}.partial`);
}

export function isNameBeside(name: Buffer): boolean {
  return /^\.peerkeep-[0-9a-f]{16}\.partial$/.test(name.toString('latin1'));
}
