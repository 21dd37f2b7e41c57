// The TLS listener for peers and clients: mutual TLS 1.3 in one trust domain, two applications told apart by ALPN.
import { constants } from 'node:crypto';
import type { AddressInfo, Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { type PeerHome, spiffeIdOfCertificate } from '#peer-home';
import type { ListenAddress, Log } from '#process';
import { ALPN_REACH, ALPN_RELAY, type PeerId, type Requester } from '#protocol';
import { CLIENT_CONNECTIONS_MAX, CONNECTIONS_PER_PEER_MAX, HANDSHAKE_MS_MAX, HANDSHAKES_MAX } from './limits.js';

export interface RelayListenerParts {
  readonly home: PeerHome;
  readonly peersMax: number;
  readonly log: Log;
  readonly onPeer: (socket: TLSSocket, peerId: PeerId) => void;
  readonly onClient: (socket: TLSSocket, requester: Requester) => void;
}

export class RelayListener {
  private readonly server: Server;
  /** By where they come from: the TLS socket and the one under it have that in common. */
  private readonly handshaking = new Map<string, Socket>();

  constructor(private readonly parts: RelayListenerParts) {
    this.server = createServer({
      ...this.credentials(),
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.3',
      ALPNProtocols: [ALPN_RELAY, ALPN_REACH],
      // No resumption: a resumed session would carry a certificate that nobody has checked again.
      secureOptions: constants.SSL_OP_NO_TICKET,
      handshakeTimeout: HANDSHAKE_MS_MAX,
    });
    this.server.maxConnections = CLIENT_CONNECTIONS_MAX + parts.peersMax * CONNECTIONS_PER_PEER_MAX + HANDSHAKES_MAX;
    this.server.on('connection', (socket: Socket) => this.boundHandshakes(socket));
    this.server.on('secureConnection', (socket) => this.admit(socket));
    this.server.on('tlsClientError', (error) => parts.log.debug({ event: 'handshake_refused', err: error }));
  }

  /** Returns the port: that of the address, or a free one for 0. */
  async listen({ host, port }: ListenAddress): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, host, () => {
        this.server.off('error', reject);
        resolve();
      });
    });
    // EMFILE and its kind: one connection is not accepted, and the relay goes on.
    this.server.on('error', (error) => this.parts.log.warn({ event: 'accept_failed', err: error }));
    return (this.server.address() as AddressInfo).port;
  }

  /** New connections see the certificate that the home holds by then. */
  useRenewedCertificate(): void {
    this.server.setSecureContext(this.credentials());
  }

  /** No new connections. */
  close(): void {
    if (this.server.listening) this.server.close();
    for (const socket of this.handshaking.values()) socket.destroy();
  }

  private credentials(): { cert: string; key: string; ca: string[] } {
    const { home } = this.parts;
    return { cert: home.certificate().pem, key: home.privateKeyPem, ca: [home.caPem] };
  }

  /** Strangers have places of their own, so that they take none of those that are known. */
  private boundHandshakes(socket: Socket): void {
    if (this.handshaking.size >= HANDSHAKES_MAX) {
      socket.destroy();
      return;
    }
    const origin = originOf(socket);
    this.handshaking.set(origin, socket);
    socket.once('close', () => {
      if (this.handshaking.get(origin) === socket) this.handshaking.delete(origin);
    });
  }

  private admit(socket: TLSSocket): void {
    this.handshaking.delete(originOf(socket));
    socket.on('error', (error) => this.parts.log.debug({ event: 'connection_lost', err: error }));
    const subject = this.subjectOf(socket);
    const isClient = subject !== null && socket.alpnProtocol === ALPN_REACH;
    const isPeer = subject !== null && subject !== 'broker' && socket.alpnProtocol === ALPN_RELAY;
    if (isClient) this.parts.onClient(socket, subject);
    else if (isPeer) this.parts.onPeer(socket, subject);
    else {
      this.parts.log.debug({ event: 'connection_refused' });
      socket.destroy();
    }
  }

  /** node:tls has verified the chain up to our CA, the validity and the possession of the key. */
  private subjectOf(socket: TLSSocket): Requester | null {
    const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined;
    const id = certificate === undefined ? null : spiffeIdOfCertificate(certificate);
    return id?.trustDomain === this.parts.home.identity.trustDomain ? id.subject : null;
  }
}

function originOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
