// Answers GET and HEAD for a file: conditions, one range, and its bytes chunk by chunk.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { decideCondition, decideRange, httpDate, rangeCounts } from '#process';
import type { Outgoing } from './outgoing.js';
import type { FileResource } from './resource.js';

/** signal: of the whole view; who reads the same object beside this request must not lose it when this one ends */
export async function serveFile(
  request: IncomingMessage,
  response: ServerResponse,
  out: Outgoing,
  file: FileResource,
  signal: AbortSignal,
): Promise<void> {
  const { sizeBytes } = file;
  const condition = decideCondition(request.headers, file);
  const headers = {
    etag: file.etag,
    'last-modified': httpDate(file.modifiedMs),
    'accept-ranges': 'bytes',
    'cache-control': 'private, no-cache',
  };
  if (condition === 'failed') return end(response, 412, {});
  if (condition === 'not_modified') return end(response, 304, headers);
  // RFC 9110 §14.2: Range is defined for GET alone.
  const hasRange = request.method === 'GET' && rangeCounts(request.headers, file);
  const wanted = decideRange(hasRange ? request.headers.range : undefined, sizeBytes);
  if (wanted.kind === 'unsatisfiable') return end(response, 416, { 'content-range': `bytes */${sizeBytes}` });
  const range = wanted.kind === 'part' ? wanted : { start: 0, end: sizeBytes };
  const head = {
    ...headers,
    'content-type': 'application/octet-stream',
    'content-length': range.end - range.start,
    ...(wanted.kind === 'part' ? { 'content-range': `bytes ${range.start}-${range.end - 1}/${sizeBytes}` } : {}),
  };
  const status = wanted.kind === 'part' ? 206 : 200;
  if (request.method === 'HEAD') return end(response, status, head);

  // The head waits for the first chunk: until then a file that cannot be had can be answered with an error.
  for await (const bytes of bytesOf(file, range, signal)) {
    if (!response.headersSent) response.writeHead(status, head);
    await out.write(bytes);
    if (out.isGone) return;
  }
  if (!response.headersSent) response.writeHead(status, head);
  response.end();
}

async function* bytesOf(
  { node }: FileResource,
  range: { readonly start: number; readonly end: number },
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { entry, view } = node;
  if (entry.type === 'symlink') yield entry.linkTarget.subarray(range.start, range.end);
  else if (entry.type === 'file') yield* view.read(entry, signal, range);
}

function end(response: ServerResponse, status: number, headers: Record<string, string | number>): void {
  response.writeHead(status, headers).end();
}
