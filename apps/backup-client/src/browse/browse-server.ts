// The listener of `peerkeep browse`: bounds, who may ask, and what becomes of errors. The requests are dav-handler.ts's.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, isIPv6 } from 'node:net';
import type { BackupView } from '#backup';
import { type Clock, isAllowedHost, isLoopback, type ListenAddress, type Log } from '#process';
import { type ErrorCode, isRefusal, ProtocolError } from '#protocol';
import { type Credentials, isAllowedUser } from './access.js';
import { answer, DavHandler } from './dav-handler.js';
import {
  CONNECTIONS_MAX,
  HEADER_BYTES_MAX,
  HEADERS_TIMEOUT_MS,
  KEEP_ALIVE_MS,
  REQUEST_TIMEOUT_MS,
  REQUESTS_PER_CONNECTION_MAX,
} from './limits.js';

export interface BrowseServerOptions {
  readonly view: BackupView;
  readonly listen: ListenAddress;
  /** Needed by every listener that others can reach. */
  readonly credentials: Credentials | null;
  readonly clock: Clock;
  readonly log: Log;
  /** Ends everything that is under way. */
  readonly signal: AbortSignal;
}

/** Sent with every answer: no page elsewhere may read, frame or guess the type of what is served here. */
const COMMON_HEADERS = {
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
} as const;

export class BrowseServer {
  private readonly handler: DavHandler;
  private listen: ListenAddress;

  private constructor(
    private readonly server: Server,
    private readonly options: BrowseServerOptions,
  ) {
    this.listen = options.listen;
    this.handler = new DavHandler(options.view, options.clock, options.signal);
  }

  /** throws usage for an address that others reach without a password, or one that cannot be listened at */
  static async start(options: BrowseServerOptions): Promise<BrowseServer> {
    if (!isLoopback(options.listen.host) && options.credentials === null) {
      const detail = 'others can reach that address: give --user and --password-file, or listen on 127.0.0.1';
      throw new ProtocolError('usage', {}, { detail });
    }
    const server = createServer({
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: HEADER_BYTES_MAX,
    });
    server.maxConnections = CONNECTIONS_MAX;
    server.maxRequestsPerSocket = REQUESTS_PER_CONNECTION_MAX;
    const browse = new BrowseServer(server, options);
    server.on('request', (request, response) => void browse.serve(request, response));
    await browse.open();
    return browse;
  }

  /** Where it listens, as a client is told. */
  get url(): string {
    const { host, port } = this.listen;
    return `http://${isIPv6(host) ? `[${host}]` : host}:${port}/`;
  }

  /** Ends the listener and every connection. */
  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }

  private async open(): Promise<void> {
    const { host, port } = this.options.listen;
    try {
      this.server.listen(port, host);
      await once(this.server, 'listening');
    } catch (cause) {
      throw new ProtocolError('usage', {}, { detail: `cannot listen on ${host}:${port}`, cause });
    }
    this.listen = { host, port: (this.server.address() as AddressInfo).port };
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(COMMON_HEADERS)) response.setHeader(name, value);
    if (!isAllowedHost(request.headers.host, this.listen)) {
      return answer(response, 421, 'this address goes by another name', { connection: 'close' });
    }
    if (!isAllowedUser(request.headers, this.options.credentials)) {
      return answer(response, 401, 'who are you?', { 'www-authenticate': 'Basic realm="peerkeep", charset="UTF-8"' });
    }
    try {
      await this.handler.handle(request, response);
    } catch (error) {
      this.fail(request, response, error);
    }
  }

  /** A body that breaks off is cut, so that nobody takes it for the whole. */
  private fail(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    if (!isRefusal(error)) this.options.log.error({ event: 'browse_failed', method: request.method, err: error });
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    if (isRefusal(error)) answer(response, STATUS_OF[error.code] ?? 500, `${error.message} (${error.code})`);
    else answer(response, 500, 'a fault of this program');
  }
}

/** What a later try may get is 503; everything else is 500. */
const STATUS_OF: Partial<Record<ErrorCode, number>> = {
  object_unavailable: 503,
  broker_unreachable: 503,
  overloaded: 503,
  interrupted: 503,
};
