// How a host answers: receipts and problem documents; and how it gets rid of a body that it will not take.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '#process';
import { PROBLEM_CONTENT_TYPE, type ProtocolError, problemFrom } from '#protocol';
import { DRAIN_BYTES_MAX, DRAIN_MS_MAX } from '../limits.js';

const RETRY_AFTER_SECONDS = '1';

/** status: 201 the first time, 200 for the same token again */
export function answerReceipt(response: ServerResponse, status: 200 | 201, receipt: string): void {
  answerJson(response, status, { receipt });
}

export function answerProblem(
  response: ServerResponse,
  error: ProtocolError,
  headers: Record<string, string> = {},
): void {
  const retry = error.status === 429 || error.status === 503 ? { 'retry-after': RETRY_AFTER_SECONDS } : {};
  // RFC 9110 §15.5.17: what a range could have been.
  const size = error.code === 'range_invalid' ? { 'content-range': `bytes */${error.facts.sizeBytes}` } : {};
  answer(
    response,
    error.status,
    { 'content-type': PROBLEM_CONTENT_TYPE, ...retry, ...size, ...headers },
    problemFrom(error),
  );
}

/** body: what its schema in the protocol says */
export function answerJson(response: ServerResponse, status: 200 | 201, body: unknown): void {
  answer(response, status, { 'content-type': 'application/json' }, body);
}

/**
 * Read away what is left of a body after its answer, so that the peer reads the answer and not a reset. Bounded in
 * bytes and time; past that the connection goes.
 */
export function drain(request: IncomingMessage, clock: Clock): void {
  if (request.readableEnded || request.destroyed) return;
  const { socket } = request;
  let left = DRAIN_BYTES_MAX;
  const cancel = clock.schedule(DRAIN_MS_MAX, () => socket.destroy());
  request.on('data', (piece: Uint8Array) => {
    left -= piece.length;
    if (left < 0) socket.destroy();
  });
  request.on('error', cancel).on('close', cancel);
  request.resume();
}

function answer(response: ServerResponse, status: number, headers: Record<string, string>, body: unknown): void {
  if (response.headersSent || response.destroyed) return;
  const bytes = Buffer.from(JSON.stringify(body), 'utf8');
  response.writeHead(status, { ...headers, 'content-length': bytes.length });
  response.end(bytes);
}
