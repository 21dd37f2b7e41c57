// The broker's HTTPS listener: TLS 1.3 with its own certificate and the CA in the chain, raw bodies, bounded everything.
import { strict as assert } from 'node:assert';
import type { Server } from 'node:https';
import { type AddressInfo, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import cookie from '@fastify/cookie';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock, ListenAddress, Log } from '#process';
import { CONTROL_BODY_BYTES_MAX, formatJoinLink, ProtocolError } from '#protocol';
import type { CertificateAuthority } from '../certificates/certificate-authority.js';
import { answerProblem, hangUp } from '../control/answer-problem.js';
import { signAnswers } from '../control/sign-answers.js';
import {
  CONNECTIONS_MAX,
  CONNECTIONS_PER_NETWORK_MAX,
  DRAIN_MS_MAX,
  HANDSHAKE_TIMEOUT_MS,
  HEADERS_TIMEOUT_MS,
  KEEP_ALIVE_TIMEOUT_MS,
  REQUEST_TIMEOUT_MS,
} from '../limits.js';
import { FORM_CONTENT_TYPE, parseForm } from '../web/form-fields.js';
import { FORM_BODY_BYTES_MAX } from '../web/limits.js';
import { boundConnections } from './connection-bound.js';
import { trustedBy } from './remote-address.js';
import type { WebAddress } from './web-address.js';

export interface ListenerParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Networks whose connections are not bounded, as in the policy. */
  readonly trustedProxies: readonly string[];
}

export class HttpsListener {
  private readonly clock: Clock;
  private stopping = false;
  /** How many requests run on each connection. */
  private readonly running = new Map<object, number>();
  private allEnded: () => void = () => undefined;

  private constructor(
    readonly adapter: FastifyAdapter,
    private readonly authority: CertificateAuthority,
    private readonly wanted: ListenAddress,
    private certificateExpiresAtMs: number,
    { clock, log, trustedProxies }: ListenerParts,
  ) {
    this.clock = clock;
    boundConnections(this.server, {
      perNetworkMax: CONNECTIONS_PER_NETWORK_MAX,
      isExempt: trustedBy(trustedProxies),
      clock,
      log,
    });
    const fastify = adapter.getInstance();
    fastify.addHook('onRequest', async ({ raw: { socket } }, reply) => {
      if (!this.stopping) {
        this.running.set(socket, (this.running.get(socket) ?? 0) + 1);
        // Not the hook onResponse: it never comes for a request that its client cut off.
        reply.raw.once('close', () => this.endRequest(socket));
        return;
      }
      reply.header('connection', 'close');
      throw new ProtocolError('stopping');
    });
    // Signatures cover the bytes as they came: nothing is parsed before the guard has checked them.
    fastify.removeAllContentTypeParsers();
    fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    // Forms of the web pages are small, and no other route takes one (MessageGuard).
    fastify.addContentTypeParser(FORM_CONTENT_TYPE, { parseAs: 'string', bodyLimit: FORM_BODY_BYTES_MAX }, parseForm);
    void fastify.register(cookie);
    signAnswers(fastify, clock);
  }

  static async create(
    authority: CertificateAuthority,
    wanted: ListenAddress,
    parts: ListenerParts,
  ): Promise<HttpsListener> {
    const { clock, log } = parts;
    const own = await authority.issueForBroker(reachableHost(wanted.host), clock.nowMs());
    const adapter = new FastifyAdapter({
      https: {
        ...secureContextOf(own, authority),
        minVersion: 'TLSv1.3',
        handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      },
      bodyLimit: CONTROL_BODY_BYTES_MAX,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      // The hook above answers with a problem document of ours.
      return503OnClosing: false,
      // What no route is asked for, because the address itself is nonsense, and what is no request at all.
      frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) =>
        answerProblem({ request, reply }, error, log),
      clientErrorHandler: hangUp,
      forceCloseConnections: 'idle',
    });
    return new HttpsListener(adapter, authority, wanted, own.expiresAtMs, parts);
  }

  async listen(
    app: NestFastifyApplication,
    webAddress: Pick<WebAddress, 'listensAt'>,
  ): Promise<{ address: string; port: number; joinLink: string }> {
    const { server } = this;
    server.headersTimeout = HEADERS_TIMEOUT_MS;
    server.maxConnections = CONNECTIONS_MAX;
    // Requests that wait behind another one on a connection get no event of their own when it is cut.
    server.on('secureConnection', (socket) => socket.once('close', () => this.endRequests(socket)));
    await app.listen(this.wanted.port, this.wanted.host);
    const { address, port } = server.address() as AddressInfo;
    const host = reachableHost(this.wanted.host);
    const joinLink = formatJoinLink({ host, port, caSha256: this.authority.sha256 });
    webAddress.listensAt(host, port, joinLink);
    return { address, port, joinLink };
  }

  /** Replace the listener's certificate when less than `remainingMs` of its life is left; open connections stay. */
  async renewWhenDue(remainingMs: number): Promise<void> {
    const nowMs = this.clock.nowMs();
    if (this.certificateExpiresAtMs - nowMs > remainingMs) return;
    const own = await this.authority.issueForBroker(reachableHost(this.wanted.host), nowMs);
    this.server.setSecureContext({ ...secureContextOf(own, this.authority), minVersion: 'TLSv1.3' });
    this.certificateExpiresAtMs = own.expiresAtMs;
  }

  /** From here on new requests are refused with `stopping`; resolves when the running ones ended, or DRAIN_MS_MAX later. */
  async drain(): Promise<void> {
    this.stopping = true;
    if (this.running.size === 0) return;
    await new Promise<void>((resolve) => {
      const cancel = this.clock.schedule(DRAIN_MS_MAX, resolve);
      this.allEnded = () => {
        cancel();
        resolve();
      };
    });
  }

  /** Listen no more, and cut the requests that still run. Without any, answers on their way out are left to arrive. */
  async close(app: NestFastifyApplication): Promise<void> {
    this.stopping = true;
    if (this.running.size > 0) this.server.closeAllConnections();
    const cancel = this.clock.schedule(DRAIN_MS_MAX, () => this.server.closeAllConnections());
    await app.close();
    cancel();
  }

  private endRequest(socket: object): void {
    const left = (this.running.get(socket) ?? 0) - 1;
    if (left > 0) this.running.set(socket, left);
    else this.endRequests(socket);
  }

  private endRequests(socket: object): void {
    this.running.delete(socket);
    if (this.running.size === 0) this.allEnded();
  }

  private get server(): Server {
    const server: unknown = this.adapter.getHttpServer();
    assert(server !== null && typeof server === 'object' && 'setSecureContext' in server);
    return server as Server;
  }
}

function secureContextOf(
  own: { pem: string; privateKeyPem: string },
  authority: CertificateAuthority,
): { key: string; cert: string } {
  // The CA stands in the chain so that a machine with nothing but the join link can pin it.
  return { key: own.privateKeyPem, cert: `${own.pem}\n${authority.pem}` };
}

/** The address that goes into the join link: of a listener on all addresses, the first that others can reach. */
function reachableHost(host: string): string {
  if (host !== '0.0.0.0' && host !== '::') return host;
  const addresses = Object.values(networkInterfaces()).flatMap((network) => network ?? []);
  const outward = addresses.find(
    ({ internal, address, scopeid }) => !internal && isIPv6(address) === (host === '::') && !scopeid,
  );
  return (
    outward?.address ?? addresses.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? '127.0.0.1'
  );
}
