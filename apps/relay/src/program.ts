// What this program calls itself.
import { VERSION } from '#process';

export const PROGRAM = 'peerkeep-relay';
export const PROGRAM_VERSION = `${PROGRAM}/${VERSION}`;
