// Bounds of reading from and writing to the local disk.
import { strict as assert } from 'node:assert';

export const DIRECTORY_NAMES_MAX = 5_000_000;
/** Names that one batch of the operating system's directory reader brings. */
export const DIRECTORY_READ_BATCH = 256;
/** After so many synchronous steps a walk lets the event loop serve the network. */
export const WALK_STEPS_PER_TURN = 64;

/** Up to this size a file is read or written without leaving the event loop's turn: 20 to 40 times quicker. */
export const SMALL_FILE_BYTES_MAX = 128 * 1024;

/** A path of PATH_MAX bytes has no more steps. */
export const RESTORE_DEPTH_MAX = 2_048;
export const RESTORE_DIRECTORIES_MAX = 5_000_000;
export const RESTORE_OPEN_FILES_MAX = 256;
export const RESTORE_OPEN_DIRECTORIES_MAX = 64;

// Open files and directories together stay under the usual limit of 1,024 descriptors, with room for sockets.
assert(RESTORE_OPEN_FILES_MAX + RESTORE_OPEN_DIRECTORIES_MAX <= 512);
