// A host of a world that is nothing but a TLS listener: it announces itself, and answers probes as the test says.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { PeerHome } from '#peer-home';
import type { PeerStatusAnswer, PresenceAnswer } from '#protocol';
import { TlsHost } from './tls-host.js';
import type { World } from './world.js';

const FREE_BYTES = 2_000_000_000;

export class ProbedHost {
  /** Tokens that probes brought, oldest first. */
  readonly tokens: string[] = [];
  private server: TlsHost | null = null;

  private constructor(
    private readonly world: World,
    readonly home: PeerHome,
  ) {}

  static async create(world: World, name: string): Promise<ProbedHost> {
    return new ProbedHost(world, await world.enrol(name));
  }

  /** Listen with its own certificate, or with that of another. */
  async listen({ as = this.home, port }: { as?: PeerHome; port?: number } = {}): Promise<number> {
    const { privateKeyPem, caPem } = as;
    this.server = await TlsHost.start({
      peerId: this.home.identity.peerId,
      identity: { certificatePem: as.certificate().pem, privateKeyPem },
      caPem,
      answer: (request, response) => this.answer(request, response),
      ...(port === undefined ? {} : { port }),
    });
    return this.server.address.port;
  }

  get connections(): number {
    return this.server?.connections ?? 0;
  }

  async close(): Promise<void> {
    await this.server?.stop();
    this.server = null;
  }

  announce(listenPort: number): Promise<PresenceAnswer> {
    const host = { listenPort, shareBytes: FREE_BYTES, usedBytes: 0, freeBytes: FREE_BYTES };
    return this.world.askBroker(this, (broker) => broker.presence({ host, program: 'test' }));
  }

  /** It stores nothing for others any more. */
  async leave(): Promise<void> {
    await this.world.askBroker(this, (broker) => broker.presence({ host: null, program: 'test' }));
  }

  status(): Promise<PeerStatusAnswer> {
    return this.world.askBroker(this, (broker) => broker.peerStatus());
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    this.tokens.push(request.headers.authorization!.slice('Peerkeep '.length));
    const time = new Date(this.world.clock.nowMs()).toISOString();
    const answer = { time, program: 'probed/1', freeBytes: FREE_BYTES, usedBytes: 0, shards: 0 };
    response.writeHead(200).end(JSON.stringify(answer));
  }
}
