/**
 * The snapshot document: what was backed up, when, and the chunks of its root directory's stream. Pure.
 *
 * One JSON document, UTF-8, in one chunk; members in the order below; only the encoder's own bytes are accepted. Version
 * 2 is written. Version 1, which has no tags, excludes, specials, machine, original and program, is read.
 */
import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { ProtocolError, parseTime, peerIdField } from '#protocol';
import { chunkIdText } from './chunk-id-text.js';
import { damaged, parseJson } from './damaged.js';
import {
  SNAPSHOT_BYTES_MAX,
  SNAPSHOT_EXCLUDES_MAX,
  SNAPSHOT_PATH_CHARS_MAX,
  SNAPSHOT_PATHS_MAX,
  SNAPSHOT_TAG_CHARS_MAX,
  SNAPSHOT_TAGS_MAX,
  SUBTREE_CHUNKS_MAX,
} from './tree-limits.js';

export const SNAPSHOT_VERSION = 2;

const count = z.int().min(0);
const snapshotId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);
const about = {
  id: snapshotId.optional(),
  time: z.string().refine((text) => parseTime(text) !== null),
  hostname: z.string().max(255),
  username: z.string().max(255).optional(),
};
/** The absolute paths that were given, in their order. */
const paths = z.array(z.string().min(1).max(SNAPSHOT_PATH_CHARS_MAX)).min(1).max(SNAPSHOT_PATHS_MAX);
/** Chunk ids of the root tree stream (tree-codec.ts). */
const root = z.array(chunkIdText).min(1).max(SUBTREE_CHUNKS_MAX);
/** Bytes of all files; and what this snapshot added to the store after dedupe and compression. */
const bytesOfRun = { sourceBytes: count, addedBytes: count };
/** The snapshot whose unchanged files were not read again. */
const parent = snapshotId.optional();

const snapshotSchema = z.strictObject({
  ...about,
  /** The peer that made it. */
  machineId: peerIdField.optional(),
  paths,
  /** The patterns that left something out, in their order, as they were given. */
  excludes: z.array(z.string().min(1).max(SNAPSHOT_PATH_CHARS_MAX)).max(SNAPSHOT_EXCLUDES_MAX),
  tags: z.array(z.string().min(1).max(SNAPSHOT_TAG_CHARS_MAX)).max(SNAPSHOT_TAGS_MAX),
  root,
  files: count,
  directories: count,
  symlinks: count,
  /** FIFOs, sockets and devices. */
  specials: count,
  /** Entries that could not be read. */
  skipped: count,
  ...bytesOfRun,
  parent,
  /** The snapshot that this one stands for with other tags. */
  original: snapshotId.optional(),
  /** "peerkeep 0.1.0" */
  program: z.string().min(1).max(255).optional(),
});

/** Version 1 counts FIFOs, sockets and devices among `skipped`. */
const schemaV1 = z.strictObject({
  ...about,
  paths,
  root,
  files: count,
  directories: count,
  symlinks: count,
  skipped: count,
  ...bytesOfRun,
  parent,
});

export type Snapshot = z.infer<typeof snapshotSchema>;

/**
 * The bytes of a snapshot document.
 *
 * throws   usage when its paths, patterns or tags are too many or make the document larger than SNAPSHOT_BYTES_MAX
 */
export function encodeSnapshot(snapshot: Snapshot): Uint8Array {
  if (snapshot.paths.length > SNAPSHOT_PATHS_MAX) throw tooLong(`more than ${SNAPSHOT_PATHS_MAX} paths`);
  if (snapshot.excludes.length > SNAPSHOT_EXCLUDES_MAX) throw tooLong(`more than ${SNAPSHOT_EXCLUDES_MAX} patterns`);
  if (snapshot.tags.length > SNAPSHOT_TAGS_MAX) throw tooLong(`more than ${SNAPSHOT_TAGS_MAX} tags`);
  const bytes = FORMATS[SNAPSHOT_VERSION].encode(snapshotSchema.parse(snapshot));
  if (bytes.length > SNAPSHOT_BYTES_MAX) throw tooLong('too many or too long paths, patterns or tags');
  return bytes;
}

/**
 * Parse a snapshot document of any version.
 *
 * throws   format_unsupported for a later version | snapshot_damaged for anything that the encoder does not make
 */
export function decodeSnapshot(bytes: Uint8Array): Snapshot {
  if (bytes.length > SNAPSHOT_BYTES_MAX) throw damaged('snapshot', 'too long');
  if (!isUtf8(bytes)) throw damaged('snapshot', 'not UTF-8');
  const document = parseJson('snapshot', Buffer.from(bytes).toString());

  const head = headSchema.safeParse(document);
  if (!head.success) throw damaged('snapshot', 'no header');
  switch (head.data.version) {
    case 1:
      return { ...decodeAs(FORMATS[1], document, bytes), excludes: [], tags: [], specials: 0 };
    case SNAPSHOT_VERSION:
      return decodeAs(FORMATS[SNAPSHOT_VERSION], document, bytes);
    default:
      throw new ProtocolError('format_unsupported', { part: 'snapshot', version: head.data.version });
  }
}

interface Format<Content> {
  /** The content of a document of this version; null for anything else. */
  parse(document: unknown): Content | null;
  encode(content: Content): Uint8Array;
}

const headSchema = z.object({ peerkeep: z.literal('snapshot'), version: z.int().min(1) });
const FORMATS = { 1: formatOf(1, schemaV1), [SNAPSHOT_VERSION]: formatOf(SNAPSHOT_VERSION, snapshotSchema) } as const;

function formatOf<Shape extends z.core.$ZodLooseShape>(
  version: number,
  schema: z.ZodObject<Shape, z.core.$strict>,
): Format<z.output<typeof schema>> {
  const head = { peerkeep: 'snapshot', version } as const;
  // The list of members is also their order in the text, whatever order the caller's object has.
  const membersInOrder = [...Object.keys(head), ...Object.keys(schema.shape)];
  return {
    parse(document) {
      const { peerkeep: _document, version: _version, ...content } = document as Record<string, unknown>;
      const parsed = schema.safeParse(content);
      return parsed.success ? parsed.data : null;
    },
    encode: (content) => Buffer.from(JSON.stringify({ ...head, ...content }, membersInOrder)),
  };
}

function decodeAs<Content>(format: Format<Content>, document: unknown, bytes: Uint8Array): Content {
  const content = format.parse(document);
  if (content === null) throw damaged('snapshot', 'breaks its schema');
  if (Buffer.compare(format.encode(content), bytes) !== 0) throw damaged('snapshot', 'not canonical');
  return content;
}

function tooLong(detail: string): ProtocolError {
  return new ProtocolError('usage', { bytesMax: SNAPSHOT_BYTES_MAX }, { detail });
}
