// The machine of a host of a world whose agent was replaced by another program: at its port, with its keys, it answers
// probes as before, and audits as the test says.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { PROBLEM_CONTENT_TYPE, ProtocolError, problemFrom } from '#protocol';
import { TlsHost } from './tls-host.js';
import type { World, WorldHost } from './world.js';

const FREE_BYTES = 1_000_000_000;

/** What a question of the broker was about: `/audits/<cid>` and its body. */
export interface AskedOfHost {
  readonly path: string;
  readonly body: string;
}

type Manner = 'shows nothing' | 'knows nothing' | 'hangs up' | 'is busy' | 'keeps silent';

export class AuditedHost {
  readonly audits: AskedOfHost[] = [];
  answersProbes = true;
  private readonly unanswered: ServerResponse[] = [];
  private tellAsked: () => void = () => undefined;

  private constructor(
    private readonly world: World,
    public manner: Manner,
    private server: TlsHost | null = null,
  ) {}

  /** The real agent ends as by a crash: the broker goes on to take it for online. */
  static async replace(world: World, host: WorldHost, manner: Manner): Promise<AuditedHost> {
    const { port } = host.agent;
    await host.kill();
    const audited = new AuditedHost(world, manner);
    const { home } = host;
    audited.server = await TlsHost.start({
      peerId: host.peerId,
      identity: { certificatePem: home.certificate().pem, privateKeyPem: home.privateKeyPem },
      caPem: home.caPem,
      port,
      answer: (request, response) => void audited.answer(request, response),
    });
    return audited;
  }

  /** Resolves when the next audit arrives. */
  nextAudit(): Promise<void> {
    return new Promise((resolve) => {
      this.tellAsked = resolve;
    });
  }

  /** What was kept silent about is answered at last: there is no such shard. */
  breakSilence(): void {
    for (const response of this.unanswered.splice(0)) refuse(response, new ProtocolError('shard_unknown'));
  }

  async close(): Promise<void> {
    await this.server?.stop();
    this.server = null;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const piece of request) body += String(piece);
    const path = request.url ?? '';
    if (!path.startsWith('/audits/')) return this.answerProbe(response);
    this.audits.push({ path, body });
    this.tellAsked();
    switch (this.manner) {
      case 'keeps silent':
        this.unanswered.push(response);
        return;
      case 'hangs up':
        response.destroy();
        return;
      case 'shows nothing':
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ blocks: [] }));
        return;
      case 'knows nothing':
        return refuse(response, new ProtocolError('shard_unknown'));
      case 'is busy':
        return refuse(response, new ProtocolError('host_busy'));
    }
  }

  private answerProbe(response: ServerResponse): void {
    if (!this.answersProbes) {
      response.destroy();
      return;
    }
    const time = new Date(this.world.clock.nowMs()).toISOString();
    const answer = { time, program: 'audited/1', freeBytes: FREE_BYTES, usedBytes: 0, shards: 0 };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }
}

function refuse(response: ServerResponse, error: ProtocolError): void {
  response.writeHead(error.status, { 'content-type': PROBLEM_CONTENT_TYPE }).end(JSON.stringify(problemFrom(error)));
}
