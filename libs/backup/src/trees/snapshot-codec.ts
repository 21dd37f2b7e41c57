/**
 * The snapshot document: what was backed up, when, and the chunks of its root directory's stream. Pure.
 *
 * One JSON document, UTF-8, in one chunk; members in the order below; only the encoder's own bytes are accepted.
 */
import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { ProtocolError, parseTime } from '#protocol';
import { chunkIdText } from './chunk-id-text.js';
import { damaged, parseJson } from './damaged.js';
import { SNAPSHOT_BYTES_MAX, SNAPSHOT_PATH_CHARS_MAX, SNAPSHOT_PATHS_MAX, SUBTREE_CHUNKS_MAX } from './tree-limits.js';

export const SNAPSHOT_VERSION = 1;

const count = z.int().min(0);
const snapshotId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);

const snapshotSchema = z.strictObject({
  id: snapshotId.optional(),
  time: z.string().refine((text) => parseTime(text) !== null),
  hostname: z.string().max(255),
  username: z.string().max(255).optional(),
  /** The absolute paths that were given, in their order. */
  paths: z.array(z.string().min(1).max(SNAPSHOT_PATH_CHARS_MAX)).min(1).max(SNAPSHOT_PATHS_MAX),
  /** Chunk ids of the root tree stream (tree-codec.ts). */
  root: z.array(chunkIdText).min(1).max(SUBTREE_CHUNKS_MAX),
  files: count,
  directories: count,
  symlinks: count,
  /** Entries that could not be read, or are no file, directory or symbolic link. */
  skipped: count,
  /** Bytes of all files; and what this snapshot added to the store after dedupe and compression. */
  sourceBytes: count,
  addedBytes: count,
  /** The snapshot whose unchanged files were not read again. */
  parent: snapshotId.optional(),
});

export type Snapshot = z.infer<typeof snapshotSchema>;

/**
 * The bytes of a snapshot document.
 *
 * throws   usage when its paths together make the document larger than SNAPSHOT_BYTES_MAX
 */
export function encodeSnapshot(snapshot: Snapshot): Uint8Array {
  const bytes = encodeDocument(snapshotSchema.parse(snapshot));
  if (bytes.length > SNAPSHOT_BYTES_MAX) {
    throw new ProtocolError('usage', { bytesMax: SNAPSHOT_BYTES_MAX }, { detail: 'too many or too long paths' });
  }
  return bytes;
}

/**
 * Parse a snapshot document.
 *
 * throws   format_unsupported for a later version | snapshot_damaged for anything that the encoder does not make
 */
export function decodeSnapshot(bytes: Uint8Array): Snapshot {
  if (bytes.length > SNAPSHOT_BYTES_MAX) throw damaged('snapshot', 'too long');
  if (!isUtf8(bytes)) throw damaged('snapshot', 'not UTF-8');
  const document = parseJson('snapshot', Buffer.from(bytes).toString());

  const head = headSchema.safeParse(document);
  if (!head.success) throw damaged('snapshot', 'no header');
  if (head.data.version > SNAPSHOT_VERSION) {
    throw new ProtocolError('format_unsupported', { part: 'snapshot', version: head.data.version });
  }

  const parsed = documentSchema.safeParse(document);
  if (!parsed.success) throw damaged('snapshot', 'breaks its schema');
  const { peerkeep: _document, version: _version, ...snapshot } = parsed.data;
  if (Buffer.compare(encodeDocument(snapshot), bytes) !== 0) throw damaged('snapshot', 'not canonical');
  return snapshot;
}

const headSchema = z.object({ peerkeep: z.literal('snapshot'), version: z.int().min(1) });
const documentSchema = snapshotSchema.extend({
  peerkeep: z.literal('snapshot'),
  version: z.literal(SNAPSHOT_VERSION),
});

const MEMBERS_IN_ORDER = ['peerkeep', 'version', ...Object.keys(snapshotSchema.shape)];

function encodeDocument(snapshot: Snapshot): Uint8Array {
  // The list of members is also their order in the text, whatever order the caller's object has.
  return Buffer.from(
    JSON.stringify({ peerkeep: 'snapshot', version: SNAPSHOT_VERSION, ...snapshot }, MEMBERS_IN_ORDER),
  );
}
