// A stand-in for an outside CAPTCHA service: siteverify over HTTPS on loopback, behaving as the services document it.
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent } from 'undici';
import { CertificateAuthority } from '../../certificates/certificate-authority.js';
import { dataDirAt } from '../../config/data-dir.js';
import { KeyVault } from '../../keys/key-vault.js';

export const SECRET = 'the-secret-of-the-site';

/** What a token stands for; a token that is not here is answered by `invalid-input-response`. */
export interface IssuedToken {
  readonly hostname: string;
  readonly action?: string;
}

export class StandInService {
  readonly issued = new Map<string, IssuedToken>();
  readonly received: { readonly path: string; readonly form: Readonly<Record<string, string>> }[] = [];
  /** Answers in place of the documented behaviour: broken answers, silence. */
  instead: ((response: ServerResponse) => void) | null = null;
  /** Called when a question has arrived. */
  arrived: () => void = () => undefined;
  private readonly used = new Set<string>();

  private constructor(
    private readonly server: Server,
    readonly trusting: Agent,
  ) {}

  static async start(): Promise<StandInService> {
    const folder = await mkdtemp(join(tmpdir(), 'peerkeep-stand-in-'));
    const nowMs = Date.now();
    const domain = { trustDomain: 'stand-in.internal', defaultTrustDomain: 'stand-in.internal', nowMs };
    const authority = await CertificateAuthority.open(dataDirAt(folder), new KeyVault(new Uint8Array(32)), domain);
    const own = await authority.issueForBroker('127.0.0.1', nowMs);
    await rm(folder, { recursive: true });
    const server = createServer({ key: own.privateKeyPem, cert: own.pem });
    const service = new StandInService(server, new Agent({ connect: { ca: authority.pem } }));
    server.on('request', (request: IncomingMessage, response: ServerResponse) => void service.take(request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return service;
  }

  get url(): string {
    return `https://127.0.0.1:${(this.server.address() as AddressInfo).port}/siteverify`;
  }

  async stop(): Promise<void> {
    await this.trusting.destroy();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const form = Object.fromEntries(new URLSearchParams(body));
    this.received.push({ path: `${request.method} ${request.url} ${request.headers['content-type']}`, form });
    this.arrived();
    if (this.instead !== null) return this.instead(response);
    response.setHeader('content-type', 'application/json').end(JSON.stringify(this.answerTo(form)));
  }

  private answerTo({ secret, response }: Record<string, string>): object {
    const failed = (code: string): object => ({ success: false, 'error-codes': [code] });
    if (secret === undefined) return failed('missing-input-secret');
    if (secret !== SECRET) return failed('invalid-input-secret');
    if (response === undefined) return failed('missing-input-response');
    const token = this.issued.get(response);
    if (token === undefined) return failed('invalid-input-response');
    if (this.used.has(response)) return failed('timeout-or-duplicate');
    this.used.add(response);
    return { success: true, challenge_ts: new Date().toISOString(), 'error-codes': [], ...token };
  }
}
