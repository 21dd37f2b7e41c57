// Asks an outside CAPTCHA service whether a token is good. Everything but a clear yes or no is captcha_unavailable.
import { type Dispatcher, request } from 'undici';
import { z } from 'zod';
import type { Clock, Log } from '#process';
import { ProtocolError } from '#protocol';
import { SITE_VERIFY_ANSWER_BYTES_MAX, SITE_VERIFY_AT_ONCE_MAX, SITE_VERIFY_TIMEOUT_MS } from './limits.js';

const answerSchema = z.looseObject({
  success: z.boolean(),
  // Null where the service does not know it, or does not tell it.
  hostname: z.string().nullish(),
  action: z.string().optional(),
  'error-codes': z.array(z.string()).optional(),
});

export type SiteVerifyAnswer = z.infer<typeof answerSchema>;

/** Codes by which a service says that we, not the visitor, are wrong, or that it failed itself. */
const NOT_THE_VISITORS_FAULT: ReadonlySet<string> = new Set([
  'missing-input-secret',
  'invalid-input-secret',
  'sitekey-secret-mismatch',
  'bad-request',
  'internal-error',
]);

export class SiteVerify {
  private running = 0;

  /** dispatcher   how connections are made; null as undici does it, with the system's trust in certificates */
  constructor(
    private readonly url: string,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly dispatcher: Dispatcher | null = null,
  ) {}

  /**
   * throws   captcha_unavailable when the service does not answer in time, in shape and in bounds, or says that the
   *          fault is ours; overloaded when too many questions run
   */
  async ask(form: Readonly<Record<string, string>>): Promise<SiteVerifyAnswer> {
    if (this.running >= SITE_VERIFY_AT_ONCE_MAX) throw new ProtocolError('overloaded');
    this.running++;
    const stop = new AbortController();
    const cancel = this.clock.schedule(SITE_VERIFY_TIMEOUT_MS, () => stop.abort());
    try {
      return answerOf(await this.post(form, stop.signal));
    } catch (error) {
      // The operator must see it: nobody can register until it is mended.
      this.log.warn({ event: 'captcha_service_failed', url: this.url, err: error });
      throw new ProtocolError('captcha_unavailable', {}, { cause: error });
    } finally {
      cancel();
      this.running--;
    }
  }

  private async post(form: Readonly<Record<string, string>>, signal: AbortSignal): Promise<unknown> {
    // undici follows no redirect by itself: the secret goes to the address in the policy and nowhere else.
    const { statusCode, body } = await request(this.url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      body: new URLSearchParams(form).toString(),
      signal,
      ...(this.dispatcher === null ? {} : { dispatcher: this.dispatcher }),
    });
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      sizeBytes += chunk.length;
      // Leaving the loop destroys the body, and with it the connection.
      if (sizeBytes > SITE_VERIFY_ANSWER_BYTES_MAX) throw new RangeError('the answer is too long');
      chunks.push(chunk);
    }
    if (statusCode !== 200) throw new RangeError(`the service answered with status ${statusCode}`);
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  }
}

function answerOf(document: unknown): SiteVerifyAnswer {
  const answer = answerSchema.parse(document);
  const ours = (answer['error-codes'] ?? []).filter((code) => NOT_THE_VISITORS_FAULT.has(code));
  if (!answer.success && ours.length > 0) throw new RangeError(`the service refuses this broker: ${ours.join(', ')}`);
  return answer;
}
