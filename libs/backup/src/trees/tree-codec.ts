/**
 * The stored form of a directory: a stream of lines, one entry a line. Pure.
 *
 *     {"peerkeep":"tree","version":1}
 *     {"name":"a.txt","type":"file","mode":420,"mtimeNs":"1763700000123456789","uid":0,"gid":0,"size":5,"content":["…"]}
 *     {"name":"docs","type":"dir","mode":493,"mtimeNs":"…","uid":0,"gid":0,"subtree":["…"]}
 *     {"nameBase64":"_w","type":"symlink","mode":511,"mtimeNs":"…","uid":0,"gid":0,"linkTarget":"a.txt"}
 *
 * Entries stand in strictly rising byte order of their names, members in the order above, and the parser accepts only
 * the very bytes that the encoder makes: equal directories have equal streams, so they dedupe. Names and link targets
 * that are no UTF-8 stand in `nameBase64` and `linkTargetBase64`. The stream is cut into chunks at any byte.
 *
 * A name is not judged here: `..` or `a/b` parses, and whoever writes entries to a disk refuses it (RestoreWriter).
 */
import { strict as assert } from 'node:assert';
import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { decodeBase64url, encodeBase64url, ProtocolError } from '#protocol';
import { CHUNK_ID_TEXT_CHARS, chunkIdText } from './chunk-id-text.js';
import { damaged, parseJson } from './damaged.js';
import {
  CONTENT_CHUNKS_MAX,
  LINK_TARGET_BYTES_MAX,
  NAME_BYTES_MAX,
  SUBTREE_CHUNKS_MAX,
  TREE_ENTRIES_MAX,
  TREE_LINE_BYTES_MAX,
} from './tree-limits.js';

export const TREE_VERSION = 1;

/** What every entry has. `name` is raw bytes; `mode` the twelve permission bits; times in ns since 1970, signed. */
export interface EntryMetadata {
  readonly name: Uint8Array;
  readonly mode: number;
  readonly mtimeNs: bigint;
  readonly uid: number;
  readonly gid: number;
}

/** Exactly one of `content` (chunk ids of the file) and `contentOf` (ids of the chunks that hold those ids). */
export interface FileEntry extends EntryMetadata {
  readonly type: 'file';
  readonly sizeBytes: number;
  readonly content?: readonly string[];
  readonly contentOf?: readonly string[];
}

export interface DirectoryEntry extends EntryMetadata {
  readonly type: 'dir';
  readonly subtree: readonly string[];
}

export interface SymlinkEntry extends EntryMetadata {
  readonly type: 'symlink';
  readonly linkTarget: Uint8Array;
}

export type TreeEntry = FileEntry | DirectoryEntry | SymlinkEntry;

/** Writes one directory's stream: `start()` first, then each entry in byte order of names. */
export class TreeEncoder {
  private lastName: Uint8Array | null = null;

  start(): Uint8Array {
    return Buffer.from(HEADER_LINE);
  }

  /** The line of one entry. An entry out of order or over a bound is a mistake of the caller, so it asserts. */
  encode(entry: TreeEntry): Uint8Array {
    assert(this.lastName === null || Buffer.compare(this.lastName, entry.name) < 0);
    this.lastName = entry.name;
    assertBounds(entry);
    const line = Buffer.from(lineOf(wireOf(entry)));
    assert(line.length <= TREE_LINE_BYTES_MAX);
    return line;
  }
}

/** Reads one directory's stream as it arrives, in pieces of any length; holds back less than one line. */
export class TreeDecoder {
  private readonly pending: Uint8Array[] = [];
  private pendingBytes = 0;
  private sawHeader = false;
  private entries = 0;
  private lastName: Uint8Array | null = null;

  /**
   * The entries that are complete with these bytes.
   *
   * throws   format_unsupported for a later version | snapshot_damaged for anything that the encoder does not make
   */
  push(bytes: Uint8Array): TreeEntry[] {
    const complete: TreeEntry[] = [];
    let lineStart = 0;
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, lineStart)) {
      this.hold(bytes.subarray(lineStart, end + 1));
      const entry = this.takeLine(Buffer.concat(this.pending, this.pendingBytes));
      if (entry !== null) complete.push(entry);
      this.pending.length = 0;
      this.pendingBytes = 0;
      lineStart = end + 1;
    }
    if (lineStart < bytes.length) this.hold(Uint8Array.from(bytes.subarray(lineStart)));
    return complete;
  }

  /** Say that no byte follows. throws snapshot_damaged without a header or inside a line */
  end(): void {
    if (!this.sawHeader) throw damaged('tree', 'no header');
    if (this.pendingBytes > 0) throw damaged('tree', 'cut inside a line');
  }

  private hold(bytes: Uint8Array): void {
    this.pendingBytes += bytes.length;
    if (this.pendingBytes > TREE_LINE_BYTES_MAX) throw damaged('tree', 'line too long');
    this.pending.push(bytes);
  }

  private takeLine(line: Buffer): TreeEntry | null {
    const text = textOf(line);
    if (text === null) throw damaged('tree', 'not UTF-8');
    if (!this.sawHeader) {
      checkHeader(text);
      this.sawHeader = true;
      return null;
    }

    const entry = decodeLine(text);
    if (this.lastName !== null && Buffer.compare(this.lastName, entry.name) >= 0)
      throw damaged('tree', 'names out of order');
    this.lastName = entry.name;
    this.entries += 1;
    if (this.entries > TREE_ENTRIES_MAX) throw damaged('tree', 'too many entries');
    return entry;
  }
}

const NEWLINE = 0x0a;
const HEADER_LINE = `${JSON.stringify({ peerkeep: 'tree', version: TREE_VERSION })}\n`;
const ID_MAX = 2 ** 32 - 1;
/** Nineteen decimal digits, as the schema takes. */
const MTIME_NS_END = 10n ** 19n;

const decimal = z.string().regex(/^(?:0|-?[1-9][0-9]{0,18})$/);
const base64Of = (bytesMax: number) => z.string().max(Math.ceil((bytesMax * 4) / 3));
const name = z.string().min(1).max(NAME_BYTES_MAX);
const metadata = {
  name: name.optional(),
  nameBase64: base64Of(NAME_BYTES_MAX).optional(),
  mode: z.int().min(0).max(0o7777),
  mtimeNs: decimal,
  uid: z.int().min(0).max(ID_MAX),
  gid: z.int().min(0).max(ID_MAX),
};

const entrySchema = z.discriminatedUnion('type', [
  z.strictObject({
    ...metadata,
    type: z.literal('file'),
    size: z.int().min(0),
    content: z.array(chunkIdText).max(CONTENT_CHUNKS_MAX).optional(),
    contentOf: z.array(chunkIdText).min(1).max(CONTENT_CHUNKS_MAX).optional(),
  }),
  z.strictObject({
    ...metadata,
    type: z.literal('dir'),
    subtree: z.array(chunkIdText).min(1).max(SUBTREE_CHUNKS_MAX),
  }),
  z.strictObject({
    ...metadata,
    type: z.literal('symlink'),
    linkTarget: z.string().max(LINK_TARGET_BYTES_MAX).optional(),
    linkTargetBase64: base64Of(LINK_TARGET_BYTES_MAX).optional(),
  }),
]);
type WireEntry = z.infer<typeof entrySchema>;

const headerSchema = z.object({ peerkeep: z.literal('tree'), version: z.int().min(1) });

/** What the schema asks of an entry, without its cost: the encoder is called for every file of every backup. */
function assertBounds(entry: TreeEntry): void {
  assert(entry.name.length >= 1 && entry.name.length <= NAME_BYTES_MAX);
  assert(Number.isInteger(entry.mode) && entry.mode >= 0 && entry.mode <= 0o7777);
  for (const id of [entry.uid, entry.gid]) assert(Number.isInteger(id) && id >= 0 && id <= ID_MAX);
  assert(entry.mtimeNs > -MTIME_NS_END && entry.mtimeNs < MTIME_NS_END);
  switch (entry.type) {
    case 'file': {
      const ids = entry.content ?? entry.contentOf ?? [];
      assert(Number.isSafeInteger(entry.sizeBytes) && entry.sizeBytes >= 0);
      assert((entry.sizeBytes === 0) === (ids.length === 0));
      assert(ids.length <= CONTENT_CHUNKS_MAX);
      assertIds(ids);
      break;
    }
    case 'dir':
      assert(entry.subtree.length >= 1 && entry.subtree.length <= SUBTREE_CHUNKS_MAX);
      assertIds(entry.subtree);
      break;
    case 'symlink':
      assert(entry.linkTarget.length <= LINK_TARGET_BYTES_MAX);
  }
}

function assertIds(ids: readonly string[]): void {
  for (const id of ids) assert(id.length === CHUNK_ID_TEXT_CHARS);
}

function checkHeader(text: string): void {
  if (text === HEADER_LINE) return;
  const header = headerSchema.safeParse(parseJson('tree', text));
  if (header.success && header.data.version > TREE_VERSION) {
    throw new ProtocolError('format_unsupported', { part: 'tree', version: header.data.version });
  }
  throw damaged('tree', 'no header');
}

function lineOf(wire: WireEntry): string {
  return `${JSON.stringify(wire)}\n`;
}

function decodeLine(text: string): TreeEntry {
  const parsed = entrySchema.safeParse(parseJson('tree', text));
  if (!parsed.success) throw damaged('tree', 'entry breaks its schema');
  const entry = entryOf(parsed.data);
  if (entry === null) throw damaged('tree', 'entry contradicts itself');
  // Spaces, other orders, doubled members, other escapes: one entry has one text.
  if (lineOf(wireOf(entry)) !== text) throw damaged('tree', 'entry is not canonical');
  return entry;
}

function wireOf(entry: TreeEntry): WireEntry {
  const named = isUtf8(entry.name)
    ? { name: Buffer.from(entry.name).toString() }
    : { nameBase64: encodeBase64url(entry.name) };
  const common = {
    mode: entry.mode,
    mtimeNs: entry.mtimeNs.toString(),
    uid: entry.uid,
    gid: entry.gid,
  };
  switch (entry.type) {
    case 'file': {
      assert((entry.content === undefined) !== (entry.contentOf === undefined));
      const content =
        entry.content === undefined ? { contentOf: [...entry.contentOf!] } : { content: [...entry.content] };
      return { ...named, type: 'file', ...common, size: entry.sizeBytes, ...content };
    }
    case 'dir':
      return { ...named, type: 'dir', ...common, subtree: [...entry.subtree] };
    case 'symlink': {
      const target = isUtf8(entry.linkTarget)
        ? { linkTarget: Buffer.from(entry.linkTarget).toString() }
        : { linkTargetBase64: encodeBase64url(entry.linkTarget) };
      return { ...named, type: 'symlink', ...common, ...target };
    }
  }
}

/** Null when members contradict each other: no name or two, no content or two, ids for an empty file or none for a full one. */
function entryOf(wire: WireEntry): TreeEntry | null {
  const entryName = bytesOf(wire.name, wire.nameBase64, NAME_BYTES_MAX);
  if (entryName === null || entryName.length === 0) return null;
  const common = { name: entryName, mode: wire.mode, mtimeNs: BigInt(wire.mtimeNs), uid: wire.uid, gid: wire.gid };
  switch (wire.type) {
    case 'file':
      return fileOf(common, wire);
    case 'dir':
      return { ...common, type: 'dir', subtree: wire.subtree };
    case 'symlink': {
      const linkTarget = bytesOf(wire.linkTarget, wire.linkTargetBase64, LINK_TARGET_BYTES_MAX);
      return linkTarget === null ? null : { ...common, type: 'symlink', linkTarget };
    }
  }
}

function fileOf(common: EntryMetadata, wire: WireEntry & { type: 'file' }): FileEntry | null {
  const file = { ...common, type: 'file' as const, sizeBytes: wire.size };
  if (wire.content !== undefined && wire.contentOf !== undefined) return null;
  if (wire.contentOf !== undefined) return wire.size === 0 ? null : { ...file, contentOf: wire.contentOf };
  if (wire.content === undefined) return null;
  if ((wire.size === 0) !== (wire.content.length === 0)) return null;
  return { ...file, content: wire.content };
}

/** Null unless exactly one form is there and holds at most `bytesMax` bytes. */
function bytesOf(text: string | undefined, base64: string | undefined, bytesMax: number): Uint8Array | null {
  if ((text === undefined) === (base64 === undefined)) return null;
  const bytes = text === undefined ? decodeBase64url(base64!) : new Uint8Array(Buffer.from(text));
  return bytes === null || bytes.length > bytesMax ? null : bytes;
}

function textOf(line: Buffer): string | null {
  return isUtf8(line) ? line.toString() : null;
}
