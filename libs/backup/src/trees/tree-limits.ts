// Bounds of the stored lists: directories, snapshots and indexes. At a bound the codecs refuse; they never cut.
import { strict as assert } from 'node:assert';
import { CHUNK_ID_TEXT_CHARS } from './chunk-id-text.js';

const KiB = 1024;
const MiB = 1024 * KiB;

/** The longest names are 255 bytes on Linux and 255 UTF-16 units (765 bytes) on macOS and Windows. */
export const NAME_BYTES_MAX = 1_024;
/** PATH_MAX of Linux; no symbolic link is longer. */
export const LINK_TARGET_BYTES_MAX = 4 * KiB;
/** XATTR_NAME_MAX and XATTR_SIZE_MAX of Linux. */
export const XATTR_NAME_BYTES_MAX = 255;
export const XATTR_VALUE_BYTES_MAX = 64 * KiB;
/** Extended attributes of one entry: how many, and the bytes of all their names and values. */
export const XATTRS_MAX = 512;
export const XATTRS_BYTES_MAX = 256 * KiB;
/** A file of more chunks keeps its ids in chunks of their own (`contentOf`). */
export const CONTENT_CHUNKS_MAX = 1_024;
/** Chunks of one directory's entry stream, or of one snapshot's root stream. */
export const SUBTREE_CHUNKS_MAX = 8_192;
export const TREE_LINE_BYTES_MAX = 2 * MiB;
export const TREE_ENTRIES_MAX = 5_000_000;

export const SNAPSHOT_PATHS_MAX = 1_024;
export const SNAPSHOT_PATH_CHARS_MAX = 4 * KiB;
export const SNAPSHOT_EXCLUDES_MAX = 4_096;
export const SNAPSHOT_TAGS_MAX = 256;
export const SNAPSHOT_TAG_CHARS_MAX = 255;
/** A snapshot is one chunk, and chunks hold at most 4 MiB; most of that stays free for later members. */
export const SNAPSHOT_BYTES_MAX = 2 * MiB;

export const INDEX_CHUNKS_PER_OBJECT_MAX = 262_144;

// The longest lists of ids and attributes fit a line beside the longest name and link target, even when every byte of
// every text needs a JSON escape of six characters. An id stands in quotes with a comma; an attribute in `{"name":"",…}`.
assert(
  SUBTREE_CHUNKS_MAX * (CHUNK_ID_TEXT_CHARS + 3) +
    6 * (NAME_BYTES_MAX + LINK_TARGET_BYTES_MAX + XATTRS_BYTES_MAX) +
    32 * XATTRS_MAX +
    KiB <=
    TREE_LINE_BYTES_MAX,
);
assert(CONTENT_CHUNKS_MAX <= SUBTREE_CHUNKS_MAX);
// The root list of a snapshot leaves three quarters of its document to the paths.
assert(SUBTREE_CHUNKS_MAX * (CHUNK_ID_TEXT_CHARS + 3) * 4 <= SNAPSHOT_BYTES_MAX);
