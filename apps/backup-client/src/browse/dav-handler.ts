// Answers one request of WebDAV class 1, read-only (RFC 4918): OPTIONS, PROPFIND, GET and HEAD; everything else is 405.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type BackupView, hrefOf, parseTarget, type RequestedPath } from '#backup';
import { BoundedPool, type Clock } from '#process';
import { childrenOf, findResource } from './find-resource.js';
import { PAGE_END, PAGE_HEADERS, pageRow, pageStart } from './folder-page.js';
import { FILES_AT_ONCE, LISTINGS_AT_ONCE, PROPFIND_BODY_BYTES_MAX } from './limits.js';
import { davError, MULTISTATUS_END, MULTISTATUS_START, responseElement } from './multistatus.js';
import { Outgoing } from './outgoing.js';
import { type PropfindRequest, parsePropfind } from './propfind-request.js';
import type { Resource } from './resource.js';
import { serveFile } from './serve-file.js';

const ALLOW = 'OPTIONS, GET, HEAD, PROPFIND';
const XML = { 'content-type': 'application/xml; charset=utf-8' } as const;

export class DavHandler {
  private readonly files = new BoundedPool(FILES_AT_ONCE);
  private readonly listings = new BoundedPool(LISTINGS_AT_ONCE);

  constructor(
    private readonly view: BackupView,
    private readonly clock: Clock,
    private readonly signal: AbortSignal,
  ) {}

  /** throws what the view throws, before the head of the answer is sent or in the middle of its body */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    switch (request.method) {
      case 'OPTIONS':
        // RFC 4918 §10.1. The other header is what Windows looks for.
        response.writeHead(200, { dav: '1', allow: ALLOW, 'ms-author-via': 'DAV', 'content-length': 0 }).end();
        return;
      case 'GET':
      case 'HEAD':
      case 'PROPFIND':
        return this.view.reading(() => this.read(request, response));
      default:
        answer(response, 405, 'this view is read-only', { allow: ALLOW });
    }
  }

  private async read(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = parseTarget(request.url ?? '');
    if (path === null) return answer(response, 400, 'the path is badly encoded');
    const resource = await findResource(this.view, path.steps, this.signal);
    if (resource === null || (path.isFolder && resource.kind === 'file')) return answer(response, 404, 'not found');
    const out = new Outgoing(response, this.clock);
    if (request.method === 'PROPFIND') {
      return this.listings.run(async () => {
        if (!out.isGone) await this.propfind(request, response, out, path, resource);
      });
    }
    if (resource.kind === 'file') {
      return this.files.run(async () => {
        if (!out.isGone) await serveFile(request, response, out, resource, this.signal);
      });
    }
    if (!path.isFolder) {
      return answer(response, 301, 'a folder', { location: hrefOf(path.steps, true) });
    }
    return this.page(request, response, out, path, resource);
  }

  private async propfind(
    request: IncomingMessage,
    response: ServerResponse,
    out: Outgoing,
    { steps }: RequestedPath,
    resource: Resource,
  ): Promise<void> {
    const depth = request.headers.depth ?? 'infinity';
    if (depth !== '0' && depth !== '1') {
      if (String(depth).toLowerCase() !== 'infinity') return answer(response, 400, 'Depth is 0 or 1');
      response.writeHead(403, XML).end(davError('propfind-finite-depth'));
      return;
    }
    const body = await bodyOf(request);
    if (body === null) return answer(response, 413, 'the body is too long', { connection: 'close' });
    const wanted = parsePropfind(body);
    if (wanted === null) return answer(response, 400, 'the body is no propfind element');

    const own = responseElement(hrefOf(steps, resource.kind === 'folder'), resource, wanted);
    const children = depth === '1' && resource.kind === 'folder' ? this.elements(steps, resource, wanted) : [];
    await send(
      response,
      out,
      { status: 207, headers: XML },
      concat([MULTISTATUS_START + own], children, MULTISTATUS_END),
    );
  }

  private async *elements(
    steps: readonly Uint8Array[],
    folder: Resource,
    wanted: PropfindRequest,
  ): AsyncGenerator<string> {
    for await (const child of childrenOf(this.view, folder, this.signal)) {
      yield responseElement(hrefOf([...steps, child.name], child.kind === 'folder'), child, wanted);
    }
  }

  private async page(
    { method }: IncomingMessage,
    response: ServerResponse,
    out: Outgoing,
    { steps }: RequestedPath,
    folder: Resource,
  ): Promise<void> {
    if (method === 'HEAD') {
      response.writeHead(200, PAGE_HEADERS).end();
      return;
    }
    const rows = childrenOf(this.view, folder, this.signal);
    await send(
      response,
      out,
      { status: 200, headers: PAGE_HEADERS },
      concat([pageStart(steps)], mapped(rows, pageRow), PAGE_END),
    );
  }
}

/** Many short texts in a few writes; the head waits for the first of them, so that an error before can be answered. */
async function send(
  response: ServerResponse,
  out: Outgoing,
  { status, headers }: { status: number; headers: Readonly<Record<string, string>> },
  texts: AsyncIterable<string>,
): Promise<void> {
  let waiting = '';
  const flush = async (): Promise<void> => {
    if (!response.headersSent) response.writeHead(status, headers);
    await out.write(Buffer.from(waiting));
    waiting = '';
  };
  for await (const text of texts) {
    waiting += text;
    if (waiting.length >= TEXT_CHARS) await flush();
    if (out.isGone) return;
  }
  await flush();
  response.end();
}

const TEXT_CHARS = 32 * 1024;

async function* concat(
  start: Iterable<string>,
  middle: AsyncIterable<string> | Iterable<string>,
  end: string,
): AsyncGenerator<string> {
  yield* start;
  yield* middle;
  yield end;
}

async function* mapped<T>(values: AsyncIterable<T>, map: (value: T) => string): AsyncGenerator<string> {
  for await (const value of values) yield map(value);
}

/** Null for more than a propfind needs. */
async function bodyOf(request: IncomingMessage): Promise<string | null> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    bytes += part.length;
    if (bytes > PROPFIND_BODY_BYTES_MAX) return null;
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

export function answer(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = Buffer.from(`${text}\n`);
  response
    .writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'content-length': body.length, ...headers })
    .end(body);
}
