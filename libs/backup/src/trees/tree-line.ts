/**
 * One entry of a directory as a line of JSON, and back. Pure.
 *
 * One entry has one text: members stand in the order that `encodeLine` gives them, and a line that is not the very text that
 * the encoder makes of what it says is refused. Names, link targets and names of attributes that are no UTF-8 stand in
 * `…Base64`; values of attributes always stand in base64url.
 */
import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { decodeBase64url, encodeBase64url } from '#protocol';
import type { Xattr } from '../files/libc.js';
import { chunkIdText } from './chunk-id-text.js';
import { damaged, parseJson } from './damaged.js';
import {
  type EntryMetadata,
  type FileEntry,
  HARD_LINK_TEXT,
  INODE_END,
  isXattrList,
  keepsBounds,
  NUMBER_MAX,
  type SpecialEntry,
  type TreeEntry,
} from './tree-entry.js';
import {
  CONTENT_CHUNKS_MAX,
  LINK_TARGET_BYTES_MAX,
  NAME_BYTES_MAX,
  SUBTREE_CHUNKS_MAX,
  XATTR_NAME_BYTES_MAX,
  XATTR_VALUE_BYTES_MAX,
  XATTRS_MAX,
} from './tree-limits.js';

/**
 * The line of an entry that keeps its bounds, with its line feed. The text is put together by hand, which takes a third of
 * the time of JSON.stringify: it is made for every entry of every backup, and again for every line that is read.
 */
export function encodeLine(entry: TreeEntry): string {
  const { mode, mtimeNs, uid, gid, xattrs } = entry;
  const metadata = `"mode":${mode},"mtimeNs":"${mtimeNs}","uid":${uid},"gid":${gid}`;
  const attributes = xattrs === undefined ? '' : `,"xattrs":[${xattrs.map(xattrText).join()}]`;
  return `{${namedText('name', entry.name)},"type":"${entry.type}",${metadata}${attributes}${ownMembersText(entry)}}\n`;
}

/**
 * The entry of a line, as a tree of this version may have it.
 *
 * throws   snapshot_damaged for anything that the encoder of that version does not make
 */
export function decodeLine(text: string, version: 1 | 2): TreeEntry {
  return (version === 2 ? plainFileOf(text) : null) ?? decodeAnyLine(text, version);
}

function decodeAnyLine(text: string, version: 1 | 2): TreeEntry {
  const parsed = (version === 1 ? entryV1 : entryV2).safeParse(parseJson('tree', text));
  if (!parsed.success) throw damaged('tree', 'entry breaks its schema');
  const entry = entryOf(parsed.data);
  if (entry === null) throw damaged('tree', 'entry contradicts itself');
  // Spaces, other orders, doubled members, other escapes: one entry has one text.
  if (encodeLine(entry) !== text) throw damaged('tree', 'entry is not canonical');
  return entry;
}

/**
 * The text of a file as most are: a name that needs no escape, no attributes, one name, a short list of chunks. Each number
 * has its one text, so a line that matches is the very line that the encoder makes.
 */
const PLAIN_FILE =
  /^\{"name":"([^"\\\p{Cc}\p{Cs}]+)","type":"file","mode":(0|[1-9][0-9]{0,3}),"mtimeNs":"(0|-?[1-9][0-9]{0,18})","uid":(0|[1-9][0-9]{0,9}),"gid":(0|[1-9][0-9]{0,9}),"size":(0|[1-9][0-9]{0,15}),"content":\[((?:"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]"(?:,(?=")|(?=\]))){0,16})\](?:,"ctimeNs":"(0|-?[1-9][0-9]{0,18})")?(?:,"inode":"(0|[1-9][0-9]{0,19})")?\}\n$/u;

/** The entry of such a line, in a sixth of the time that a schema takes; null for any other line. */
function plainFileOf(text: string): FileEntry | null {
  const match = PLAIN_FILE.exec(text);
  if (match === null) return null;
  const [, name, mode, mtimeNs, uid, gid, size, list, ctimeNs, inode] = match;
  const content = list === '' ? [] : list!.slice(1, -1).split('","');
  const file: Writable<FileEntry> = {
    name: Buffer.from(name!),
    mode: Number(mode),
    mtimeNs: BigInt(mtimeNs!),
    uid: Number(uid),
    gid: Number(gid),
    type: 'file',
    sizeBytes: Number(size),
    content,
  };
  if (ctimeNs !== undefined) file.ctimeNs = BigInt(ctimeNs);
  if (inode !== undefined) file.inode = BigInt(inode);
  return keepsBounds(file) ? file : null;
}

const time = z.string().regex(/^(?:0|-?[1-9][0-9]{0,18})$/);
const number = z.int().min(0).max(NUMBER_MAX);
const base64Of = (bytesMax: number) => z.string().max(Math.ceil((bytesMax * 4) / 3));
const textOf = (bytesMax: number) => z.string().min(1).max(bytesMax);

const common = {
  name: textOf(NAME_BYTES_MAX).optional(),
  nameBase64: base64Of(NAME_BYTES_MAX).optional(),
  mode: z.int().min(0).max(0o7777),
  mtimeNs: time,
  uid: number,
  gid: number,
};
const file = {
  type: z.literal('file'),
  size: z.int().min(0),
  content: z.array(chunkIdText).max(CONTENT_CHUNKS_MAX).optional(),
  contentOf: z.array(chunkIdText).min(1).max(CONTENT_CHUNKS_MAX).optional(),
};
const directory = { type: z.literal('dir'), subtree: z.array(chunkIdText).min(1).max(SUBTREE_CHUNKS_MAX) };
const symlink = {
  type: z.literal('symlink'),
  linkTarget: z.string().max(LINK_TARGET_BYTES_MAX).optional(),
  linkTargetBase64: base64Of(LINK_TARGET_BYTES_MAX).optional(),
};

const entryV1 = z.discriminatedUnion('type', [
  z.strictObject({ ...common, ...file }),
  z.strictObject({ ...common, ...directory }),
  z.strictObject({ ...common, ...symlink }),
]);

const xattr = z.strictObject({
  name: textOf(XATTR_NAME_BYTES_MAX).optional(),
  nameBase64: base64Of(XATTR_NAME_BYTES_MAX).optional(),
  value: base64Of(XATTR_VALUE_BYTES_MAX),
});
const commonV2 = { ...common, xattrs: z.array(xattr).min(1).max(XATTRS_MAX).optional() };
const fileV2 = {
  ...file,
  ctimeNs: time.optional(),
  inode: z
    .string()
    .regex(/^(?:0|[1-9][0-9]{0,19})$/)
    .optional(),
  hardLink: z.string().regex(HARD_LINK_TEXT).optional(),
};
const device = z.strictObject({ major: number, minor: number });

const entryV2 = z.discriminatedUnion('type', [
  z.strictObject({ ...commonV2, ...fileV2 }),
  z.strictObject({ ...commonV2, ...directory }),
  z.strictObject({ ...commonV2, ...symlink }),
  z.strictObject({ ...commonV2, type: z.enum(['fifo', 'socket']) }),
  z.strictObject({ ...commonV2, type: z.enum(['chardev', 'blockdev']), device }),
]);
/** Every line of version 1 is one of version 2 that leaves out what came later. */
type WireEntry = z.infer<typeof entryV2>;
type WireXattr = z.infer<typeof xattr>;

function ownMembersText(entry: TreeEntry): string {
  switch (entry.type) {
    case 'file': {
      const { sizeBytes, content, contentOf, ctimeNs, inode, hardLink } = entry;
      const chunks = content === undefined ? `"contentOf":${idsText(contentOf!)}` : `"content":${idsText(content)}`;
      const changeTime = ctimeNs === undefined ? '' : `,"ctimeNs":"${ctimeNs}"`;
      const number = inode === undefined ? '' : `,"inode":"${inode}"`;
      return `,"size":${sizeBytes},${chunks}${changeTime}${number}${hardLink === undefined ? '' : `,"hardLink":"${hardLink}"`}`;
    }
    case 'dir':
      return `,"subtree":${idsText(entry.subtree)}`;
    case 'symlink':
      return `,${namedText('linkTarget', entry.linkTarget)}`;
    case 'fifo':
    case 'socket':
      return '';
    case 'chardev':
    case 'blockdev':
      return `,"device":{"major":${entry.device!.major},"minor":${entry.device!.minor}}`;
  }
}

function namedText(member: string, bytes: Uint8Array): string {
  if (!isUtf8(bytes)) return `"${member}Base64":"${encodeBase64url(bytes)}"`;
  return `"${member}":${JSON.stringify(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString())}`;
}

function xattrText({ name, value }: Xattr): string {
  return `{${namedText('name', name)},"value":"${encodeBase64url(value)}"}`;
}

/** Ids are base64url, which needs no escape. */
function idsText(ids: readonly string[]): string {
  return ids.length === 0 ? '[]' : `["${ids.join('","')}"]`;
}

/** Null when members contradict each other: no name or two, no content or two, ids for an empty file or none for a full one. */
function entryOf(wire: WireEntry): TreeEntry | null {
  const name = bytesOf(wire.name, wire.nameBase64, NAME_BYTES_MAX);
  if (name === null || name.length === 0) return null;
  const xattrs = wire.xattrs === undefined ? undefined : xattrsOf(wire.xattrs);
  if (xattrs === null) return null;
  const metadata: Writable<EntryMetadata> = {
    name,
    mode: wire.mode,
    mtimeNs: BigInt(wire.mtimeNs),
    uid: wire.uid,
    gid: wire.gid,
  };
  if (xattrs !== undefined) metadata.xattrs = xattrs;
  switch (wire.type) {
    case 'file':
      return fileOf(metadata, wire);
    case 'dir':
      return { ...metadata, type: 'dir', subtree: wire.subtree };
    case 'symlink': {
      const linkTarget = bytesOf(wire.linkTarget, wire.linkTargetBase64, LINK_TARGET_BYTES_MAX);
      return linkTarget === null ? null : { ...metadata, type: 'symlink', linkTarget };
    }
    case 'fifo':
    case 'socket':
      return { ...metadata, type: wire.type } satisfies SpecialEntry;
    case 'chardev':
    case 'blockdev':
      return { ...metadata, type: wire.type, device: wire.device } satisfies SpecialEntry;
  }
}

function fileOf(metadata: EntryMetadata, wire: WireEntry & { type: 'file' }): FileEntry | null {
  const { size, content, contentOf, ctimeNs, inode, hardLink } = wire;
  if ((content === undefined) === (contentOf === undefined)) return null;
  if ((size === 0) !== ((content ?? contentOf)!.length === 0)) return null;
  const { name, mode, mtimeNs, uid, gid, xattrs } = metadata;
  const file: Writable<FileEntry> = { name, mode, mtimeNs, uid, gid, type: 'file', sizeBytes: size };
  if (xattrs !== undefined) file.xattrs = xattrs;
  if (content !== undefined) file.content = content;
  if (contentOf !== undefined) file.contentOf = contentOf;
  if (ctimeNs !== undefined) file.ctimeNs = BigInt(ctimeNs);
  if (inode !== undefined) file.inode = BigInt(inode);
  if (hardLink !== undefined) file.hardLink = hardLink;
  return file.inode !== undefined && file.inode >= INODE_END ? null : file;
}

/** Members are added one by one: spreading objects doubles the time of a line. */
type Writable<Shape> = { -readonly [Member in keyof Shape]: Shape[Member] };

/** Null for a list that no entry may have. */
function xattrsOf(wire: readonly WireXattr[]): Xattr[] | null {
  const xattrs: Xattr[] = [];
  for (const one of wire) {
    const name = bytesOf(one.name, one.nameBase64, XATTR_NAME_BYTES_MAX);
    const value = decodeBase64url(one.value);
    if (name === null || value === null) return null;
    xattrs.push({ name, value });
  }
  return isXattrList(xattrs) ? xattrs : null;
}

/** Null unless exactly one form is there and holds at most `bytesMax` bytes. */
function bytesOf(text: string | undefined, base64: string | undefined, bytesMax: number): Uint8Array | null {
  if ((text === undefined) === (base64 === undefined)) return null;
  const bytes = text === undefined ? decodeBase64url(base64!) : new Uint8Array(Buffer.from(text));
  return bytes === null || bytes.length > bytesMax ? null : bytes;
}
