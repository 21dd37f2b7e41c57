// How a shared file is laid out when it is sealed for whoever has its link: the same for the program that seals it and for
// the browser that opens it. Pure; needs nothing of Node.
//
// | offset | size        | field                                                                    |
// |--------|-------------|--------------------------------------------------------------------------|
// | 0      | 8           | `PKSHARE1`                                                               |
// | 8      | 8           | S: bytes of the file, unsigned, big-endian                               |
// | 16     | 1024 + 16   | sealed header: JSON `{ "name", "modifiedMs" }` in UTF-8, spaces behind it |
// | 1056   | ≤ 262144+16 | sealed piece 0, then 1, ...: all but the last are full; none for S = 0   |
//
// Sealed is AES-256-GCM: ciphertext, then the tag of 16 bytes. The two keys are HKDF-SHA256 of the 32 bytes in the link,
// with the 16 bytes of the share's id as salt. A piece's nonce is its index; index, number of pieces and S are its
// associated data: what is cut off, put elsewhere or taken from another share does not open.

export const SHARE_ID_BYTES = 16;
export const SHARE_KEY_BYTES = 32;
export const SHARE_PREFIX_BYTES = 16;
export const SHARE_HEADER_PLAIN_BYTES = 1_024;
export const SHARE_PIECE_BYTES = 256 * 1024;
export const SHARE_TAG_BYTES = 16;
/** Everything before the first piece. */
export const SHARE_HEAD_BYTES = SHARE_PREFIX_BYTES + SHARE_HEADER_PLAIN_BYTES + SHARE_TAG_BYTES;
/** What a browser can hold until all of it is proven. */
export const SHARE_FILE_BYTES_MAX = 2 * 1024 * 1024 * 1024;
/** UTF-8 bytes of a name in the header. */
export const SHARE_NAME_BYTES_MAX = 255;
/** Of the answer that begins a download; nobody reads more of it. */
export const SHARE_TICKET_ANSWER_BYTES_MAX = 4_096;

export type SharePart = 'header' | 'pieces';

const MAGIC = 'PKSHARE1';

/** The HKDF label of each key. */
export const SHARE_KEY_LABELS: Readonly<Record<SharePart, string>> = {
  header: 'peerkeep/1/share/header',
  pieces: 'peerkeep/1/share/pieces',
};

export function sharePieceCount(sizeBytes: number): number {
  return Math.ceil(sizeBytes / SHARE_PIECE_BYTES);
}

/** Bytes of the whole sealed file. */
export function sealedShareBytes(sizeBytes: number): number {
  return SHARE_HEAD_BYTES + sizeBytes + sharePieceCount(sizeBytes) * SHARE_TAG_BYTES;
}

/** Where a sealed piece stands; `end` is the first byte behind it. */
export function sealedPieceRange(index: number, sizeBytes: number): { readonly start: number; readonly end: number } {
  const start = SHARE_HEAD_BYTES + index * (SHARE_PIECE_BYTES + SHARE_TAG_BYTES);
  return { start, end: Math.min(start + SHARE_PIECE_BYTES + SHARE_TAG_BYTES, sealedShareBytes(sizeBytes)) };
}

export function sharePrefix(sizeBytes: number): Uint8Array {
  const prefix = new Uint8Array(SHARE_PREFIX_BYTES);
  prefix.set(ascii(MAGIC));
  new DataView(prefix.buffer).setBigUint64(MAGIC.length, BigInt(sizeBytes));
  return prefix;
}

/** The size that a prefix tells; null for what is none of ours, or larger than a share may be. */
export function readSharePrefix(head: Uint8Array): number | null {
  if (head.length < SHARE_PREFIX_BYTES || ascii(MAGIC).some((byte, at) => head[at] !== byte)) return null;
  const size = new DataView(head.buffer, head.byteOffset, SHARE_PREFIX_BYTES).getBigUint64(MAGIC.length);
  return size > BigInt(SHARE_FILE_BYTES_MAX) ? null : Number(size);
}

/** The header is sealed as number 0 under its own key. */
export function shareNonce(index: number): Uint8Array<ArrayBuffer> {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setBigUint64(4, BigInt(index));
  return nonce;
}

export function shareAssociatedData(index: number, sizeBytes: number): Uint8Array<ArrayBuffer> {
  const data = new Uint8Array(MAGIC.length + 24);
  data.set(ascii(MAGIC));
  const view = new DataView(data.buffer);
  view.setBigUint64(MAGIC.length, BigInt(index));
  view.setBigUint64(MAGIC.length + 8, BigInt(sharePieceCount(sizeBytes)));
  view.setBigUint64(MAGIC.length + 16, BigInt(sizeBytes));
  return data;
}

export interface ShareHeader {
  /** What the file is called where it is saved. */
  readonly name: string;
  readonly modifiedMs: number;
}

/** Of one length whatever it says. */
export function encodeShareHeader({ name, modifiedMs }: ShareHeader): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify({ name: fittingName(name), modifiedMs }));
  const header = new Uint8Array(SHARE_HEADER_PLAIN_BYTES).fill(SPACE);
  header.set(text);
  return header;
}

/** Null for a header that no program of ours has made. */
export function decodeShareHeader(bytes: Uint8Array): ShareHeader | null {
  try {
    const { name, modifiedMs } = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as ShareHeader;
    const isGood = typeof name === 'string' && name !== '' && Number.isSafeInteger(modifiedMs);
    return isGood ? { name: fittingName(name), modifiedMs } : null;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return null;
    throw error;
  }
}

const SPACE = 0x20;

/**
 * A name that is one step of a path and shows as it is: without slashes, control characters, and characters that turn
 * the direction of text. The longest JSON of it fits the header: a quote or backslash takes two bytes.
 */
function fittingName(name: string): string {
  const plain = name.replaceAll(/[\p{Cc}\p{Cs}\u200e\u200f\u202a-\u202e\u2066-\u2069/\\]/gu, '_').trim();
  let text = plain === '' || /^\.{1,2}$/.test(plain) ? 'file' : plain;
  while (new TextEncoder().encode(text).length > SHARE_NAME_BYTES_MAX) text = [...text].slice(0, -1).join('');
  return text;
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
