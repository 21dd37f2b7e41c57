// Somebody who asks the admin interface of a broker under test: with a key of a role, or with whatever headers a test wants.
import { Agent, type Dispatcher, request } from 'undici';
import type { ProblemDocument } from '#protocol';
import type { AdminRole } from '../admin/access/admin-role.js';
import type { BrokerFixture } from './broker-fixture.js';

type Headers = Readonly<Record<string, string>>;

export interface AdminAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly headers: Headers;
  /** The code of a problem document. */
  readonly code: string | undefined;
}

export class AdminClient {
  constructor(
    private readonly fixture: BrokerFixture,
    readonly headers: Headers,
  ) {}

  static async as(fixture: BrokerFixture, role: AdminRole, headers: Headers = {}): Promise<AdminClient> {
    const key = await fixture.broker.createAdminKey({ role });
    return new AdminClient(fixture, { authorization: `Bearer ${key}`, ...headers });
  }

  get(path: string, headers: Headers = {}): Promise<AdminAnswer> {
    return this.ask('GET', path, undefined, headers);
  }

  post(path: string, body: object, headers: Headers = {}): Promise<AdminAnswer> {
    return this.ask('POST', path, body, headers);
  }

  put(path: string, body: object, headers: Headers = {}): Promise<AdminAnswer> {
    return this.ask('PUT', path, body, headers);
  }

  async ask(method: string, path: string, body: object | undefined, headers: Headers = {}): Promise<AdminAnswer> {
    const { adminOrigin } = this.fixture.broker;
    return askAt(
      adminOrigin,
      { method, path, body, headers: { ...this.headers, ...headers } },
      await this.fixture.caPem(),
    );
  }
}

export async function askAt(
  origin: string,
  asked: {
    readonly method: string;
    readonly path: string;
    readonly body?: object | undefined;
    readonly headers: Headers;
  },
  caPem: string,
): Promise<AdminAnswer> {
  const { method, path, body, headers } = asked;
  // Who calls the listener by another name is somebody who clicked the browser's warning away.
  const dispatcher = headers.host === undefined ? agentFor(caPem) : agentFor(null);
  const json = body === undefined ? {} : { 'content-type': 'application/json' };
  const answer = await request(`${origin}${path}`, {
    method: method.toUpperCase() as Dispatcher.HttpMethod,
    headers: { ...json, ...headers },
    body: body === undefined ? null : JSON.stringify(body),
    dispatcher,
  });
  const text = await answer.body.text();
  const type = String(answer.headers['content-type'] ?? '');
  const document = /json/.test(type) && text !== '' ? (JSON.parse(text) as Record<string, unknown>) : {};
  return {
    status: answer.statusCode,
    body: document,
    text,
    headers: Object.fromEntries(Object.entries(answer.headers).map(([name, value]) => [name, String(value)])),
    code: type.startsWith('application/problem+json') ? (document as unknown as ProblemDocument).code : undefined,
  };
}

/** Connections that stay open between questions: one set for each certificate authority, and one that believes all. */
const agents = new Map<string | null, Agent>();

function agentFor(caPem: string | null): Agent {
  const agent =
    agents.get(caPem) ?? new Agent({ connect: caPem === null ? { rejectUnauthorized: false } : { ca: caPem } });
  agents.set(caPem, agent);
  return agent;
}
