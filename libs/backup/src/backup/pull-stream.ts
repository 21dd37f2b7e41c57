// Reads a stream as the chunker wants it: as many bytes as it asks for, when it asks.
import { addAbortSignal, type Readable } from 'node:stream';
import { ProtocolError } from '#protocol';
import type { ReadBytes } from '../chunking/chunk-stream.js';

/** A read function over a stream; it throws interrupted once the signal is raised, local_disk when the stream fails. */
export function pullFrom(stream: Readable, signal: AbortSignal): ReadBytes {
  const pieces = addAbortSignal(signal, stream)[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  let piece: Uint8Array = new Uint8Array(0);
  return async (target, offset, length) => {
    while (piece.length === 0) {
      const next = await pieces.next().catch((cause: unknown) => {
        if (signal.aborted) throw new ProtocolError('interrupted');
        throw new ProtocolError('local_disk', {}, { cause, detail: 'the stream cannot be read to its end' });
      });
      if (next.done === true) return 0;
      piece = next.value;
    }
    const taken = piece.subarray(0, length);
    target.set(taken, offset);
    piece = piece.subarray(taken.length);
    return taken.length;
  };
}
