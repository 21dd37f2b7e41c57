// Opens a shared file in the browser with WebCrypto: the layout is share-format.ts's, as the agent's program seals it.
import {
  decodeShareHeader,
  readSharePrefix,
  SHARE_HEAD_BYTES,
  SHARE_KEY_BYTES,
  SHARE_KEY_LABELS,
  SHARE_PREFIX_BYTES,
  type ShareHeader,
  type SharePart,
  sealedPieceRange,
  shareAssociatedData,
  shareNonce,
  sharePieceCount,
} from '../../../../libs/protocol/src/share/share-format.js';

export class ShareRefused extends Error {
  constructor(readonly reason: 'gone' | 'key' | 'damaged' | 'away') {
    super(reason);
  }
}

/** A share whose key is right: what its header says, and how its pieces open. */
export interface OpenShare extends ShareHeader {
  readonly sizeBytes: number;
  /** Sealed bytes of a piece to the file's. Throws ShareRefused for a piece that is changed or stands elsewhere. */
  openPiece(index: number, sealed: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer>;
}

/** id and key: as they stand in the link. Throws ShareRefused */
export async function openShare(id: string, keyText: string, head: Uint8Array<ArrayBuffer>): Promise<OpenShare> {
  const key = bytesOf(keyText);
  const salt = bytesOf(id);
  if (key?.length !== SHARE_KEY_BYTES || salt === null) throw new ShareRefused('key');
  const sizeBytes = head.length === SHARE_HEAD_BYTES ? readSharePrefix(head) : null;
  if (sizeBytes === null) throw new ShareRefused('damaged');
  const headerKey = await keyOf(key, salt, 'header');
  const plain = await open(headerKey, 0, sizeBytes, head.slice(SHARE_PREFIX_BYTES));
  if (plain === null) throw new ShareRefused('key');
  const header = decodeShareHeader(new Uint8Array(plain));
  if (header === null) throw new ShareRefused('damaged');
  const pieceKey = await keyOf(key, salt, 'pieces');
  return {
    ...header,
    sizeBytes,
    openPiece: async (index, sealed) => {
      const piece = await open(pieceKey, index, sizeBytes, sealed);
      if (piece === null) throw new ShareRefused('damaged');
      return piece;
    },
  };
}

/** Cuts what arrives into sealed pieces, from piece number `first` on. */
export class PieceCutter {
  private held: Uint8Array<ArrayBuffer> = new Uint8Array(0);

  constructor(
    private index: number,
    private readonly sizeBytes: number,
  ) {}

  /** The pieces that are whole by now. Throws ShareRefused for more than there should be. */
  push(bytes: Uint8Array<ArrayBuffer>): { readonly index: number; readonly sealed: Uint8Array<ArrayBuffer> }[] {
    const all = new Uint8Array(this.held.length + bytes.length);
    all.set(this.held);
    all.set(bytes, this.held.length);
    const whole: { index: number; sealed: Uint8Array<ArrayBuffer> }[] = [];
    let start = 0;
    while (this.index < sharePieceCount(this.sizeBytes)) {
      const range = sealedPieceRange(this.index, this.sizeBytes);
      const end = start + range.end - range.start;
      if (end > all.length) break;
      whole.push({ index: this.index, sealed: all.slice(start, end) });
      start = end;
      this.index++;
    }
    this.held = all.slice(start);
    if (this.index === sharePieceCount(this.sizeBytes) && this.held.length > 0) throw new ShareRefused('damaged');
    return whole;
  }
}

async function open(
  key: CryptoKey,
  index: number,
  sizeBytes: number,
  sealed: Uint8Array<ArrayBuffer>,
): Promise<ArrayBuffer | null> {
  const algorithm = {
    name: 'AES-GCM',
    iv: shareNonce(index),
    additionalData: shareAssociatedData(index, sizeBytes),
  };
  try {
    return await crypto.subtle.decrypt(algorithm, key, sealed);
  } catch (error) {
    // How WebCrypto says that a tag does not hold.
    if (error instanceof DOMException && error.name === 'OperationError') return null;
    throw error;
  }
}

async function keyOf(
  secret: Uint8Array<ArrayBuffer>,
  salt: Uint8Array<ArrayBuffer>,
  part: SharePart,
): Promise<CryptoKey> {
  const root = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveKey']);
  const derivation = { name: 'HKDF', hash: 'SHA-256', salt, info: new TextEncoder().encode(SHARE_KEY_LABELS[part]) };
  return crypto.subtle.deriveKey(derivation, root, { name: 'AES-GCM', length: 256 }, false, ['decrypt']);
}

/** base64url; null for what is none. */
function bytesOf(text: string): Uint8Array<ArrayBuffer> | null {
  if (!/^[\w-]+$/.test(text) || text.length % 4 === 1) return null;
  const plain = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(plain, (character) => character.charCodeAt(0));
}
