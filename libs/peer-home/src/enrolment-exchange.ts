// The unsigned messages of enrolment: HTTPS under the pinned CA to the broker alone, bounded in time and size.
import type { z } from 'zod';
import { errorFromProblem, ProtocolError } from '#protocol';
import { Pool } from './http-pool.js';
import { ENROLMENT_ANSWER_BYTES_MAX, ENROLMENT_ANSWER_MS_MAX } from './limits.js';
import { BROKER_CODES, type PinnedAuthority } from './pin-authority.js';
import { connectionRefusal, httpsOrigin, trustedConnector } from './trusted-connection.js';

export class EnrolmentExchange {
  private readonly pool: Pool;

  constructor(
    broker: { readonly host: string; readonly port: number },
    authority: PinnedAuthority,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.pool = new Pool(httpsOrigin(broker), {
      connect: trustedConnector({
        caPem: authority.caPem,
        expected: { trustDomain: authority.trustDomain, subject: 'broker' },
        alpn: 'http/1.1',
        codes: BROKER_CODES,
      }),
      connections: 1,
      headersTimeout: ENROLMENT_ANSWER_MS_MAX,
      bodyTimeout: ENROLMENT_ANSWER_MS_MAX,
      maxResponseSize: ENROLMENT_ANSWER_BYTES_MAX,
    });
  }

  /** throws broker_unreachable | broker_untrusted | answer_untrusted | interrupted, and what the broker refuses with */
  async post<T>(path: string, body: object, answer: z.ZodType<T>): Promise<T> {
    const { signal } = this;
    try {
      const { statusCode, body: answered } = await this.pool.request({
        method: 'POST',
        path,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        ...(signal === undefined ? {} : { signal }),
      });
      return parseAnswer(statusCode, await answered.text(), answer);
    } catch (error) {
      if (signal?.aborted) throw new ProtocolError('interrupted', {}, { cause: error });
      throw error instanceof Error ? connectionRefusal(error, BROKER_CODES) : error;
    }
  }

  async close(): Promise<void> {
    await this.pool.destroy();
  }
}

function parseAnswer<T>(status: number, text: string, answer: z.ZodType<T>): T {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new ProtocolError('answer_untrusted', { status }, { cause: error });
  }
  if (status !== 200 && status !== 201) {
    throw errorFromProblem(json) ?? new ProtocolError('answer_untrusted', { status });
  }
  const parsed = answer.safeParse(json);
  if (!parsed.success) throw new ProtocolError('answer_untrusted', { status }, { cause: parsed.error });
  return parsed.data;
}
