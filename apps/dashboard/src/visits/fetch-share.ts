// Fetches a shared file piece by piece, goes on after a break, and gives it out only when all of it is proven.
import { readAtMost } from '../../../../libs/protocol/src/share/read-at-most.js';
import {
  SHARE_HEAD_BYTES,
  SHARE_TICKET_ANSWER_BYTES_MAX,
  sealedPieceRange,
  sharePieceCount,
} from '../../../../libs/protocol/src/share/share-format.js';
import { type OpenShare, PieceCutter, ShareRefused } from './open-share.js';

const TRIES = 5;
const PAUSE_MS = 1_500;
/** So many opened pieces become one Blob, which the browser may put on its disk. */
const PIECES_PER_BLOB = 64;

/** The sealed head. Throws ShareRefused */
export async function fetchHead(id: string): Promise<Uint8Array<ArrayBuffer>> {
  const answer = await ask(`/s/${id}/head`);
  return readAtMost(answer.body, SHARE_HEAD_BYTES);
}

/**
 * The whole file. Counts as one download, however often it has to go on.
 *
 * onBytes  told how many bytes of the file are here
 * throws   ShareRefused
 */
export async function fetchFile(id: string, share: OpenShare, onBytes: (bytes: number) => void): Promise<Blob> {
  const begun = await ask(`/s/${id}/downloads`, { method: 'POST' });
  const text = new TextDecoder().decode(await readAtMost(begun.body, SHARE_TICKET_ANSWER_BYTES_MAX));
  const { ticket } = JSON.parse(text) as { ticket: string };
  const pieces: BlobPart[] = [];
  let blobs: Blob[] = [];
  let count = 0;
  let bytes = 0;
  for (let tries = 0; count < sharePieceCount(share.sizeBytes); tries++) {
    if (tries === TRIES) throw new ShareRefused('away');
    if (tries > 0) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    const before = count;
    for await (const piece of piecesFrom(id, ticket, share, count)) {
      pieces.push(piece);
      count++;
      bytes += piece.byteLength;
      onBytes(bytes);
      if (pieces.length === PIECES_PER_BLOB) blobs = [...blobs, new Blob(pieces.splice(0))];
    }
    if (count > before) tries = 0;
  }
  return new Blob([...blobs, ...pieces], { type: 'application/octet-stream' });
}

/** Ends early when the connection breaks. */
async function* piecesFrom(id: string, ticket: string, share: OpenShare, first: number): AsyncGenerator<ArrayBuffer> {
  const { start } = sealedPieceRange(first, share.sizeBytes);
  const headers = { 'peerkeep-ticket': ticket, range: `bytes=${start}-` };
  const cutter = new PieceCutter(first, share.sizeBytes);
  try {
    const answer = await ask(`/s/${id}/sealed`, { headers });
    if (answer.status !== 206) throw new ShareRefused('damaged');
    const reader = answer.body!.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      for (const { index, sealed } of cutter.push(value)) yield share.openPiece(index, sealed);
    }
  } catch (error) {
    // How fetch says that a connection broke; whoever asked goes on behind the last whole piece.
    if (error instanceof TypeError || (error instanceof ShareRefused && error.reason === 'away')) return;
    throw error;
  }
}

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const answer = await fetch(path, { ...init, cache: 'no-store' }).catch((error: unknown) => {
    throw error instanceof TypeError ? new ShareRefused('away') : error;
  });
  if (answer.ok) return answer;
  throw new ShareRefused(answer.status === 404 ? 'gone' : 'away');
}
