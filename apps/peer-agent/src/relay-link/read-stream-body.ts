// A small JSON body of an HTTP/2 stream, whole, bounded in bytes and in time.
import type { ServerHttp2Stream } from 'node:http2';
import type { z } from 'zod';
import { RELAY_ANSWER_MS_MAX, RELAY_BODY_BYTES_MAX } from '#peer-link';
import type { Clock } from '#process';
import { ProtocolError } from '#protocol';

/** throws request_too_large | request_invalid, also when it was cut off or takes too long */
export async function readStreamBody<T>(stream: ServerHttp2Stream, schema: z.ZodType<T>, clock: Clock): Promise<T> {
  const cancel = clock.schedule(RELAY_ANSWER_MS_MAX, () => stream.destroy());
  const pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  try {
    for await (const piece of stream.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Uint8Array>) {
      sizeBytes += piece.length;
      if (sizeBytes > RELAY_BODY_BYTES_MAX) throw new ProtocolError('request_too_large');
      pieces.push(piece);
    }
    return schema.parse(JSON.parse(Buffer.concat(pieces).toString('utf8')));
  } catch (error) {
    throw error instanceof ProtocolError ? error : new ProtocolError('request_invalid', {}, { cause: error });
  } finally {
    cancel();
  }
}
