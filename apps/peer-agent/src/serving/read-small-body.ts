// A small JSON body, whole and bounded.
import type { IncomingMessage } from 'node:http';
import { ProtocolError } from '#protocol';

/** Returns undefined for what is no JSON: a schema then refuses it. Throws request_too_large; request_invalid when it was cut off. */
export async function readSmallBody(request: IncomingMessage, bytesMax: number): Promise<unknown> {
  const pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  const body = request.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Uint8Array>;
  try {
    for await (const piece of body) {
      sizeBytes += piece.length;
      if (sizeBytes > bytesMax) throw new ProtocolError('request_too_large');
      pieces.push(piece);
    }
  } catch (error) {
    throw error instanceof ProtocolError ? error : new ProtocolError('request_invalid', {}, { cause: error });
  }
  return parse(Buffer.concat(pieces).toString('utf8'));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
