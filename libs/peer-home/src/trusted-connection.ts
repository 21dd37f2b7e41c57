// A TLS 1.3 connection under one pinned CA to one SPIFFE id, in the shape that undici wants. Nothing is sent before.
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import type { buildConnector } from 'undici';
import { type ErrorCode, ProtocolError, type SpiffeId, type UnixMs } from '#protocol';
import { expectSpiffeId } from './certificate-identity.js';
import { isTrustedSince } from './expired-certificate.js';
import { errors } from './http-pool.js';
import { CONNECT_MS_MAX } from './limits.js';

export interface TrustedConnectionOptions {
  readonly caPem: string;
  /** The only one that may answer. */
  readonly expected: SpiffeId;
  readonly alpn: string;
  /** Our own certificate and key when the other side wants to know us; asked at each connection, they are renewed. */
  readonly own?: () => { certificatePem: string; privateKeyPem: string };
  readonly codes: { readonly unreachable: ErrorCode; readonly untrusted: ErrorCode };
  /** Sees each connection after it is trusted, before anything is sent on it. */
  readonly onTrusted?: (socket: TLSSocket) => void;
  /** Opens the connection under TLS, where not every address may be connected to; without it the system does. */
  readonly dial?: Dial | undefined;
  /** A certificate that has ended since then is believed all the same: there was nobody to renew it. */
  readonly expiredSinceMs?: UnixMs | undefined;
  /** Cipher suites in the order of choice, as node:tls takes them; Node's own order without it. */
  readonly ciphers?: string;
}

/** A connected socket to exactly this address, or a stream that leads there; its errors are those of the connection. */
export type Dial = (address: string, port: number) => Promise<Duplex>;

/**
 * A connector for undici dispatchers. Each connection does a whole handshake: a resumed one would skip the certificate.
 * Its errors are ProtocolErrors: `codes.unreachable` for the network, `codes.untrusted` for everything about trust.
 */
export function trustedConnector(options: TrustedConnectionOptions): buildConnector.connector {
  return (target, callback) => {
    open(options, { host: bareHost(target.hostname), port: Number(target.port || 443) }, callback);
  };
}

/** One such connection. Throws as those of the connector do. */
export function connectTrusted(
  options: TrustedConnectionOptions,
  to: { readonly host: string; readonly port: number },
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    open(options, to, (...[error, socket]) => (error === null ? resolve(socket as TLSSocket) : reject(error)));
  });
}

function open(
  options: TrustedConnectionOptions,
  { host, port }: { readonly host: string; readonly port: number },
  callback: buildConnector.Callback,
): void {
  if (options.dial === undefined) {
    secure(options, { host, port }, callback);
    return;
  }
  options.dial(host, port).then(
    (socket) => secure(options, { socket }, callback),
    (error: Error) => callback(connectionRefusal(error, options.codes), null),
  );
}

/** TLS to where `under` leads, or over the connection that it is. */
function secure(
  options: TrustedConnectionOptions,
  under: { readonly host: string; readonly port: number } | { readonly socket: Duplex },
  callback: buildConnector.Callback,
): void {
  let settled = false;
  const settle = (error: Error | null): void => {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    if (error === null) {
      callback(null, socket);
      return;
    }
    socket.destroy();
    callback(error, null);
  };
  const socket = connect({ ...tlsOptions(options), ...under });
  const timer = setTimeout(
    () => settle(new ProtocolError(options.codes.unreachable, { reason: 'connect timeout' })),
    CONNECT_MS_MAX,
  );
  socket.setNoDelay(true);
  socket.once('secureConnect', () => {
    if (socket.alpnProtocol !== options.alpn) {
      return settle(new ProtocolError(options.codes.untrusted, { reason: 'alpn' }));
    }
    if (!socket.authorized && !isTrustedSince(socket.getPeerX509Certificate(), options)) {
      return settle(new ProtocolError(options.codes.untrusted, { reason: String(socket.authorizationError) }));
    }
    options.onTrusted?.(socket);
    settle(null);
  });
  // Stays for the life of the socket: after the hand-over undici listens too, and an error must have a listener.
  socket.on('error', (error) => settle(connectionRefusal(error, options.codes)));
  socket.once('close', () => settle(new ProtocolError(options.codes.unreachable, { reason: 'closed' })));
}

/** The ProtocolError that a failed connection or exchange means: the network's fault, or a matter of trust. */
export function connectionRefusal(error: Error, codes: TrustedConnectionOptions['codes']): ProtocolError {
  if (error instanceof ProtocolError) return error;
  const reason = (error as NodeJS.ErrnoException).code ?? error.name;
  const known = NETWORK_CODES.has(reason) || error instanceof errors.UndiciError;
  return new ProtocolError(known ? codes.unreachable : codes.untrusted, { reason }, { cause: error });
}

/** `https://host:port`, with brackets around an IPv6 address. */
export function httpsOrigin({ host, port }: { readonly host: string; readonly port: number }): string {
  return `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Everything else that a handshake can end with is about certificates or the TLS protocol (ERR_SSL_…, CERT_…). */
const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'EADDRINUSE',
  'EINVAL',
  'EACCES',
  'EPERM',
  'EMFILE',
  'ENFILE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EAI_FAIL',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_PREMATURE_CLOSE',
  // Of the HTTP/2 that a relay carries the connection in.
  'ERR_HTTP2_STREAM_ERROR',
  'ERR_HTTP2_STREAM_CANCEL',
  'ERR_HTTP2_INVALID_STREAM',
  'ERR_HTTP2_SESSION_ERROR',
  'ERR_HTTP2_INVALID_SESSION',
  'ERR_HTTP2_GOAWAY_SESSION',
  'ERR_HTTP2_ERROR',
]);

function tlsOptions(options: TrustedConnectionOptions): ConnectionOptions {
  const own = options.own?.();
  return {
    ca: [options.caPem],
    ...(own === undefined ? {} : { cert: own.certificatePem, key: own.privateKeyPem }),
    minVersion: 'TLSv1.3',
    ALPNProtocols: [options.alpn],
    ...(options.ciphers === undefined ? {} : { ciphers: options.ciphers }),
    // Where an end is forgiven, everything is judged by ourselves: OpenSSL names one fault of several.
    rejectUnauthorized: options.expiredSinceMs === undefined,
    checkServerIdentity: expectSpiffeId(options.expected, options.codes.untrusted),
  };
}

/** undici takes the host out of a URL, where IPv6 stands in brackets. */
function bareHost(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}
