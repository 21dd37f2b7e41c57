// Every bound of the backup engine in one place, with the relations that must hold between them.
import { strict as assert } from 'node:assert';
import { OBJECT_BYTES_MAX } from '#protocol';

const KiB = 1024;
const MiB = 1024 * KiB;

// Chunks. The chunker looks for rare boundaries up to CHUNK_BYTES_TURN and for frequent ones after it.
export const CHUNK_BYTES_MIN = 256 * KiB;
export const CHUNK_BYTES_TURN = 832 * KiB;
export const CHUNK_BYTES_AVERAGE = 1 * MiB;
export const CHUNK_BYTES_MAX = 4 * MiB;
export const CHUNK_BUFFER_BYTES = 2 * CHUNK_BYTES_MAX;

// Objects
export const OBJECT_TARGET_BYTES = 16 * MiB;
export const OBJECT_CHUNKS_MAX = 65_536;
export const OBJECT_PADDED_BYTES_MAX = 32 * MiB;

// The index of chunks on this machine
export const CHUNK_INDEX_ENTRIES_MAX = 16_777_216;

assert(CHUNK_BYTES_MIN < CHUNK_BYTES_TURN);
assert(CHUNK_BYTES_TURN < CHUNK_BYTES_AVERAGE);
assert(CHUNK_BYTES_AVERAGE < CHUNK_BYTES_MAX);
// The chunker decides a boundary only with CHUNK_BYTES_MAX in sight, so its buffer holds that and what comes next.
assert(CHUNK_BUFFER_BYTES >= 2 * CHUNK_BYTES_MAX);
// An object takes at least one chunk of any size.
assert(CHUNK_BYTES_MAX < OBJECT_TARGET_BYTES);
// Offsets and sizes inside an object are 32 bits wide, and the broker accepts the object.
assert(OBJECT_PADDED_BYTES_MAX <= OBJECT_BYTES_MAX);
assert(OBJECT_BYTES_MAX < 2 ** 32);
// A slot of the index names its entry in 32 bits, and its table of slots stays below 2^31 slots.
assert(CHUNK_INDEX_ENTRIES_MAX <= 2 ** 30);
