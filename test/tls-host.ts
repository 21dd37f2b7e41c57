// A host on loopback for tests of the link to peers: real mutual TLS, answers by a function, and counts of what came.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { ALPN_SHARDS, type PeerAddress, type PeerId } from '#protocol';
import type { TestIdentity } from './authority.js';

export interface TlsHostOptions {
  readonly peerId: PeerId;
  readonly identity: TestIdentity;
  readonly caPem: string;
  readonly alpn?: readonly string[];
  /** Any free one when left out. */
  readonly port?: number;
  readonly answer: (request: IncomingMessage, response: ServerResponse) => void;
}

export class TlsHost {
  requests = 0;
  connections = 0;
  private readonly server: Server;
  private readonly sockets = new Set<TLSSocket>();

  private constructor(readonly options: TlsHostOptions) {
    this.server = createServer(
      {
        key: options.identity.privateKeyPem,
        cert: options.identity.certificatePem,
        ca: options.caPem,
        requestCert: true,
        rejectUnauthorized: true,
        minVersion: 'TLSv1.3',
        ALPNProtocols: [...(options.alpn ?? [ALPN_SHARDS])],
      },
      (request, response) => {
        this.requests++;
        options.answer(request, response);
      },
    );
    this.server.on('secureConnection', (socket: TLSSocket) => {
      this.connections++;
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
      // A client that goes away in the middle is part of the tests.
      socket.on('error', () => this.sockets.delete(socket));
    });
  }

  static async start(options: TlsHostOptions): Promise<TlsHost> {
    const host = new TlsHost(options);
    await new Promise<void>((resolve) => host.server.listen(options.port ?? 0, '127.0.0.1', resolve));
    return host;
  }

  get address(): PeerAddress {
    const { port } = this.server.address() as AddressInfo;
    return { peerId: this.options.peerId, address: '127.0.0.1', port };
  }

  /** Application bytes that came in over all connections that are open. */
  get receivedBytes(): number {
    let sum = 0;
    for (const socket of this.sockets) sum += socket.bytesRead;
    return sum;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
