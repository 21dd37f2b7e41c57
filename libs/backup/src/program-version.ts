// What snapshots say they were made with.
import { VERSION } from '#process';

export const PROGRAM = `peerkeep ${VERSION}`;
