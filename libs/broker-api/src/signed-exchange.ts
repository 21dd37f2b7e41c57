// One signed request and its verified answer. What is not signed is not believed, except a refusal to believe us.
import { randomBytes } from 'node:crypto';
import type { z } from 'zod';
import { connectionRefusal, type Dial, errors, httpsOrigin, type PeerHome, Pool, trustedConnector } from '#peer-home';
import {
  CONTROL_BODY_BYTES_MAX,
  type ErrorCode,
  errorFromProblem,
  isRefusal,
  NONCE_BYTES,
  ProtocolError,
  signRequest,
  type TransactionKey,
  verifyAnswer,
} from '#protocol';
import type { BrokerTime } from './broker-time.js';
import { BODY_MS_MAX, BROKER_CONNECTIONS_MAX, HEADERS_MS_MAX } from './limits.js';

export interface BrokerRequest<T> {
  readonly method: 'GET' | 'POST';
  /** With its query. */
  readonly path: string;
  /** Sent as JSON; absent with GET. */
  readonly body?: unknown;
  readonly answer: z.ZodType<T>;
  /** The transaction key to sign with; the current one when absent. */
  readonly key?: TransactionKey;
  readonly signal?: AbortSignal | undefined;
}

const CODES = { unreachable: 'broker_unreachable', untrusted: 'broker_untrusted' } as const;

/** Refusals that a fresh signature (with the broker's time, which the refusal taught) can cure. */
const SIGN_AGAIN: ReadonlySet<ErrorCode> = new Set(['message_predates_restart', 'message_stale']);

/**
 * Refusals that the broker gives before it knows whose key to sign with. They are believed unsigned, inside TLS with
 * the pinned broker: all that such an answer can do is make this one request fail.
 */
const BELIEVED_UNSIGNED: ReadonlySet<ErrorCode> = new Set([
  'signature_missing',
  'signature_invalid',
  'digest_mismatch',
  'key_unknown',
  'peer_revoked',
  'request_too_large',
  'route_unknown',
  'rate_exceeded',
  'overloaded',
  'stopping',
  'internal',
]);

export class SignedExchange {
  /** Opens connections to the broker, where the system's own way is not the only one. */
  dial: Dial | undefined;
  private readonly origin: string;
  private readonly pool: Pool;

  constructor(
    private readonly home: PeerHome,
    private readonly time: BrokerTime,
  ) {
    this.origin = httpsOrigin(home.identity.broker);
    const trusted = {
      caPem: home.caPem,
      expected: { trustDomain: home.identity.trustDomain, subject: 'broker' },
      alpn: 'http/1.1',
      codes: CODES,
    } as const;
    this.pool = new Pool(this.origin, {
      connect: (target, callback) => trustedConnector({ ...trusted, dial: this.dial })(target, callback),
      connections: BROKER_CONNECTIONS_MAX,
      pipelining: 1,
      headersTimeout: HEADERS_MS_MAX,
      bodyTimeout: BODY_MS_MAX,
      maxResponseSize: CONTROL_BODY_BYTES_MAX,
    });
  }

  /** throws what the broker refused with, broker_unreachable, broker_untrusted, answer_untrusted, interrupted */
  async run<T>(request: BrokerRequest<T>): Promise<T> {
    try {
      return await this.once(request);
    } catch (error) {
      if (!(error instanceof ProtocolError) || !SIGN_AGAIN.has(error.code)) throw error;
      return await this.once(request);
    }
  }

  async close(): Promise<void> {
    await this.pool.destroy();
  }

  private async once<T>(request: BrokerRequest<T>): Promise<T> {
    const url = new URL(request.path, this.origin);
    const key = request.key ?? this.home.transactionKeys().current;
    const { peerId } = this.home.identity;
    const body = request.body === undefined ? new Uint8Array() : Buffer.from(JSON.stringify(request.body), 'utf8');
    if (body.length > CONTROL_BODY_BYTES_MAX) throw new ProtocolError('request_too_large');
    const signed = signRequest({
      method: request.method,
      targetUri: url.href,
      body,
      peerId,
      key,
      createdMs: this.time.nowMs(),
      nonce: randomBytes(NONCE_BYTES),
    });
    const got = await this.send(request, url, body, signed.headers);
    try {
      const { brokerTimeMs } = verifyAnswer({ ...got, request: signed, peerId, key });
      this.time.learn(brokerTimeMs);
    } catch (error) {
      if (!isRefusal(error, 'answer_untrusted')) throw error;
      throw unsignedRefusal(got) ?? error;
    }
    return parseAnswer(request.answer, got);
  }

  private async send(
    request: BrokerRequest<unknown>,
    url: URL,
    body: Uint8Array,
    signature: Readonly<Record<string, string>>,
  ): Promise<ReceivedAnswer> {
    try {
      const {
        statusCode,
        headers,
        body: answer,
      } = await this.pool.request({
        method: request.method,
        path: url.pathname + url.search,
        headers: { ...signature, ...(request.body === undefined ? {} : { 'content-type': 'application/json' }) },
        body: request.body === undefined ? null : body,
        ...(request.signal === undefined ? {} : { signal: request.signal }),
      });
      return { status: statusCode, headers, body: await answer.bytes() };
    } catch (error) {
      if (request.signal?.aborted) throw new ProtocolError('interrupted', {}, { cause: error });
      if (error instanceof errors.ResponseExceededMaxSizeError) {
        throw new ProtocolError('answer_untrusted', { reason: 'size' }, { cause: error });
      }
      throw error instanceof Error ? connectionRefusal(error, CODES) : error;
    }
  }
}

interface ReceivedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Uint8Array;
}

function unsignedRefusal(got: ReceivedAnswer): ProtocolError | null {
  if (got.status < 400) return null;
  const refusal = errorFromProblem(readJson(got));
  return refusal !== null && BELIEVED_UNSIGNED.has(refusal.code) ? refusal : null;
}

function parseAnswer<T>(schema: z.ZodType<T>, got: ReceivedAnswer): T {
  const json = readJson(got);
  if (got.status >= 400) throw errorFromProblem(json) ?? new ProtocolError('internal', { status: got.status });
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new ProtocolError('format_unsupported', { status: got.status }, { cause: parsed.error });
}

/** undefined when the body is not JSON: a schema then refuses it. */
function readJson(got: ReceivedAnswer): unknown {
  try {
    return JSON.parse(Buffer.from(got.body).toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
