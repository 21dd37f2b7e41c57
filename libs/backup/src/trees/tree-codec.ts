/**
 * The stored form of a directory: a stream of lines, one entry a line. Pure.
 *
 *     {"peerkeep":"tree","version":2}
 *     {"name":"a.txt","type":"file","mode":420,"mtimeNs":"1763700000123456789","uid":0,"gid":0,"size":5,"content":["…"],
 *         "ctimeNs":"…","inode":"…"}                                                              (one line)
 *     {"name":"docs","type":"dir","mode":493,"mtimeNs":"…","uid":0,"gid":0,
 *         "xattrs":[{"name":"user.note","value":"eA"}],"subtree":["…"]}                           (one line)
 *     {"nameBase64":"_w","type":"symlink","mode":511,"mtimeNs":"…","uid":0,"gid":0,"linkTarget":"a.txt"}
 *     {"name":"null","type":"chardev","mode":438,"mtimeNs":"…","uid":0,"gid":0,"device":{"major":1,"minor":3}}
 *
 * Entries stand in strictly rising byte order of their names, and the parser accepts only the very bytes that the encoder
 * makes (tree-line.ts): equal directories have equal streams, so they dedupe. The stream is cut into chunks at any byte.
 * Version 2 is written. Version 1 is read: it has files, directories and symbolic links, and of a file neither xattrs nor
 * ctimeNs, inode and hardLink.
 *
 * A name is not judged here: `..` or `a/b` parses, and whoever writes entries to a disk refuses it (RestoreWriter).
 */
import { strict as assert } from 'node:assert';
import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { ProtocolError } from '#protocol';
import { damaged, parseJson } from './damaged.js';
import { keepsBounds, type TreeEntry } from './tree-entry.js';
import { TREE_ENTRIES_MAX, TREE_LINE_BYTES_MAX } from './tree-limits.js';
import { decodeLine, encodeLine } from './tree-line.js';

export type {
  DirectoryEntry,
  EntryMetadata,
  FileEntry,
  SpecialEntry,
  SymlinkEntry,
  TreeEntry,
} from './tree-entry.js';

export const TREE_VERSION = 2;

/** Writes one directory's stream: `start()` first, then each entry in byte order of names. */
export class TreeEncoder {
  private lastName: Uint8Array | null = null;

  start(): Uint8Array {
    return Buffer.from(HEADER_LINES[TREE_VERSION]);
  }

  /** The line of one entry. An entry out of order or over a bound is a mistake of the caller, so it asserts. */
  encode(entry: TreeEntry): Uint8Array {
    this.pass(entry.name);
    assert(keepsBounds(entry));
    const line = Buffer.from(encodeLine(entry));
    assert(line.length <= TREE_LINE_BYTES_MAX);
    return line;
  }

  /** An entry of this name comes next; its line is known already (unchanged-line.ts). */
  pass(name: Uint8Array): void {
    assert(this.lastName === null || Buffer.compare(this.lastName, name) < 0);
    this.lastName = name;
  }
}

/** Reads one directory's stream as it arrives, in pieces of any length; holds back less than one line. */
export class TreeDecoder {
  private readonly pending: Uint8Array[] = [];
  private pendingBytes = 0;
  /** Null until the header is there. */
  private version: 1 | 2 | null = null;
  private entries = 0;
  private lastName: Uint8Array | null = null;

  /**
   * The entries that are complete with these bytes.
   *
   * throws   format_unsupported for a later version | snapshot_damaged for anything that the encoder does not make
   */
  push(bytes: Uint8Array): TreeEntry[] {
    return this.lines(bytes).map((line) => this.decode(line));
  }

  /**
   * The lines of entries that are complete with these bytes, for whoever need not decode all of them. They lie in the
   * memory of `bytes`.
   *
   * throws   as `push` does for a header or a length
   */
  lines(bytes: Uint8Array): Buffer[] {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const complete: Buffer[] = [];
    let lineStart = 0;
    for (let end = buffer.indexOf(NEWLINE); end !== -1; end = buffer.indexOf(NEWLINE, lineStart)) {
      const line = this.wholeLine(buffer.subarray(lineStart, end + 1));
      if (this.version === null) this.version = versionOf(textOf(line));
      else complete.push(line);
      lineStart = end + 1;
    }
    if (lineStart < buffer.length) this.hold(Uint8Array.from(buffer.subarray(lineStart)));
    return complete;
  }

  /** The entry of a line that `lines` gave, later than those of the lines decoded before. throws as `push` does */
  decode(line: Buffer): TreeEntry {
    assert(this.version !== null);
    const entry = decodeLine(textOf(line), this.version);
    if (this.lastName !== null && Buffer.compare(this.lastName, entry.name) >= 0)
      throw damaged('tree', 'names out of order');
    this.lastName = entry.name;
    this.entries += 1;
    if (this.entries > TREE_ENTRIES_MAX) throw damaged('tree', 'too many entries');
    return entry;
  }

  /** Say that no byte follows. throws snapshot_damaged without a header or inside a line */
  end(): void {
    if (this.version === null) throw damaged('tree', 'no header');
    if (this.pendingBytes > 0) throw damaged('tree', 'cut inside a line');
  }

  private hold(bytes: Uint8Array): void {
    this.pendingBytes += bytes.length;
    if (this.pendingBytes > TREE_LINE_BYTES_MAX) throw damaged('tree', 'line too long');
    this.pending.push(bytes);
  }

  /** What is held, which is held no longer, and the end of its line. */
  private wholeLine(end: Buffer): Buffer {
    this.hold(end);
    const line = this.pending.length === 1 ? end : Buffer.concat(this.pending, this.pendingBytes);
    this.pending.length = 0;
    this.pendingBytes = 0;
    return line;
  }
}

const NEWLINE = 0x0a;
const headerLineOf = (version: number): string => `${JSON.stringify({ peerkeep: 'tree', version })}\n`;
const HEADER_LINES = { 1: headerLineOf(1), 2: headerLineOf(TREE_VERSION) } as const;
const headerSchema = z.object({ peerkeep: z.literal('tree'), version: z.int().min(1) });

/** The version that a header line says. */
function versionOf(text: string): 1 | 2 {
  if (text === HEADER_LINES[2]) return 2;
  if (text === HEADER_LINES[1]) return 1;
  const header = headerSchema.safeParse(parseJson('tree', text));
  if (header.success && header.data.version > TREE_VERSION) {
    throw new ProtocolError('format_unsupported', { part: 'tree', version: header.data.version });
  }
  throw damaged('tree', 'no header');
}

function textOf(line: Buffer): string {
  if (!isUtf8(line)) throw damaged('tree', 'not UTF-8');
  return line.toString();
}
