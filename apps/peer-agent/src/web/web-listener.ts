// The pages on this machine: a listener that only programs of this machine reach, for the owner's browser.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, isIPv6 } from 'node:net';
import { Injectable } from '@nestjs/common';
import { isAllowedHost, isLoopback, type ListenAddress, Log } from '#process';
import { ProtocolError } from '#protocol';
import {
  WEB_CONNECTIONS_MAX,
  WEB_HEADER_BYTES_MAX,
  WEB_HEADERS_MS_MAX,
  WEB_KEEP_ALIVE_MS,
  WEB_REQUEST_MS_MAX,
} from './limits.js';
import { SignInCodes } from './sign-in-code.js';
import { WebApplication } from './web-application.js';

@Injectable()
export class WebListener {
  private readonly server: Server;
  private listening: ListenAddress | null = null;

  constructor(
    private readonly application: WebApplication,
    private readonly codes: SignInCodes,
    private readonly log: Log,
  ) {
    this.server = createServer({
      headersTimeout: WEB_HEADERS_MS_MAX,
      requestTimeout: WEB_REQUEST_MS_MAX,
      keepAliveTimeout: WEB_KEEP_ALIVE_MS,
      maxHeaderSize: WEB_HEADER_BYTES_MAX,
    });
    this.server.maxConnections = WEB_CONNECTIONS_MAX;
    this.server.on('request', (request, response) => {
      if (this.listening !== null && isAllowedHost(request.headers.host, this.listening)) {
        this.application.serve(request, response, 'loopback');
        return;
      }
      // Whoever comes by another name may be a page elsewhere that had its name lead here (DNS rebinding).
      response.writeHead(421, { connection: 'close' }).end();
    });
  }

  /** Null before `listen`. */
  get port(): number | null {
    return this.listening?.port ?? null;
  }

  /** throws usage for an address that others reach; EADDRINUSE and its kind */
  async listen({ host, port }: ListenAddress): Promise<void> {
    if (!isLoopback(host)) {
      throw new ProtocolError('usage', {}, { detail: '--web is for this machine alone: use 127.0.0.1:PORT' });
    }
    this.server.listen(port, host);
    await once(this.server, 'listening');
    // EMFILE and its kind: one connection is not accepted, and the agent goes on.
    this.server.on('error', (error) => this.log.warn({ event: 'accept_failed', err: error }));
    this.listening = { host, port: (this.server.address() as AddressInfo).port };
    await this.codes.noteOrigin(`http://${isIPv6(host) ? `[${host}]` : host}:${this.listening.port}`);
  }

  async close(): Promise<void> {
    if (this.listening === null) return;
    this.listening = null;
    await this.codes.forgetOrigin();
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }
}
