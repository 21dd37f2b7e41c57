// What the relay asks a peer on a connection on which the peer serves: one small JSON exchange.
import type { ClientHttp2Session } from 'node:http2';
import type { z } from 'zod';
import { CODE_HEADER, codeOfHeader, RELAY_ANSWER_MS_MAX, RELAY_BODY_BYTES_MAX } from '#peer-link';
import type { Clock } from '#process';
import { ProtocolError } from '#protocol';

/** throws what the peer refused with; peer_unreachable when it gives no answer, or none that we understand */
export async function askPeer<T>(
  session: ClientHttp2Session,
  asked: { readonly path: string; readonly body: object; readonly answer: z.ZodType<T> },
  clock: Clock,
): Promise<T> {
  if (session.closed || session.destroyed) throw new ProtocolError('peer_unreachable', { reason: 'closed' });
  const text = await exchange(session, asked.path, JSON.stringify(asked.body), clock);
  const parsed = asked.answer.safeParse(parseJson(text));
  if (!parsed.success) throw new ProtocolError('peer_unreachable', { reason: 'answer' }, { cause: parsed.error });
  return parsed.data;
}

function exchange(session: ClientHttp2Session, path: string, body: string, clock: Clock): Promise<string> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/json' });
    const pieces: Buffer[] = [];
    let sizeBytes = 0;
    const fail = (reason: string, cause?: unknown): void => {
      cancel();
      stream.close();
      reject(cause instanceof ProtocolError ? cause : new ProtocolError('peer_unreachable', { reason }, { cause }));
    };
    const cancel = clock.schedule(RELAY_ANSWER_MS_MAX, () => fail('timeout'));
    stream.on('error', (error) => fail('stream', error));
    stream.once('close', () => fail('closed'));
    stream.once('response', (headers) => {
      if (headers[':status'] === 200) return;
      fail('refused', new ProtocolError(codeOfHeader(headers[CODE_HEADER], 'peer_unreachable')));
    });
    stream.on('data', (piece: Buffer) => {
      sizeBytes += piece.length;
      if (sizeBytes > RELAY_BODY_BYTES_MAX) fail('size');
      else pieces.push(piece);
    });
    stream.once('end', () => {
      cancel();
      resolve(Buffer.concat(pieces).toString('utf8'));
    });
    stream.end(body);
  });
}

/** undefined when it is not JSON: a schema then refuses it. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
