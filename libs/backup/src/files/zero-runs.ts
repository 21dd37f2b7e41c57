// Which parts of some bytes have to be written when what is not written reads as zeros (`restore --sparse`). Pure.

/** A hole is made of whole blocks of the disk; this is the block of nearly every file system. */
const BLOCK_BYTES = 4096;
const ZEROS = Buffer.alloc(BLOCK_BYTES);

export interface Piece {
  readonly start: number;
  readonly end: number;
}

/**
 * The pieces of `bytes` between its blocks of zeros, in order; blocks are counted from the start of the file.
 *
 * fileOffset   where in its file the first byte stands
 * returns      none when all is zeros
 */
export function dataPieces(bytes: Uint8Array, fileOffset: number): Piece[] {
  const pieces: { start: number; end: number }[] = [];
  const add = (start: number, end: number): void => {
    const last = pieces.at(-1);
    if (last?.end === start) last.end = end;
    else if (start < end) pieces.push({ start, end });
  };
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let start = 0; start < bytes.length; ) {
    const end = Math.min(bytes.length, start + BLOCK_BYTES - ((fileOffset + start) % BLOCK_BYTES));
    if (view.compare(ZEROS, 0, end - start, start, end) !== 0) add(start, end);
    start = end;
  }
  return pieces;
}
