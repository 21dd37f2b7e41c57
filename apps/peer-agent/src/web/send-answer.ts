// Sends an answer at the pace of its reader; one who takes nothing for a while is cut off.
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import type { Clock } from '#process';
import { WEB_SLICE_BYTES, WEB_STALL_MS } from './limits.js';
import type { WebResponse } from './receive-ask.js';
import type { WebAnswer } from './web-message.js';

/**
 * Send the head and the body; without the body for HEAD. What breaks off in its middle is cut, so that nobody takes it
 * for the whole.
 *
 * throws   what the body throws
 */
export async function sendAnswer(
  response: WebResponse,
  { status, headers, body }: WebAnswer,
  { isHead, gone, clock }: { readonly isHead: boolean; readonly gone: AbortSignal; readonly clock: Clock },
): Promise<void> {
  if (gone.aborted) return;
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  const whole = typeof body === 'string' ? Buffer.from(body) : body instanceof Uint8Array ? body : null;
  if (whole !== null) response.setHeader('content-length', whole.length);
  const output = response as unknown as Writable;
  if (isHead || body === null || whole !== null) {
    if (isHead || whole === null) output.end();
    else output.end(whole);
    return;
  }
  for await (const bytes of body as AsyncIterable<Uint8Array>) {
    await write(output, bytes, gone, clock);
    if (gone.aborted) return;
  }
  output.end();
}

async function write(output: Writable, bytes: Uint8Array, gone: AbortSignal, clock: Clock): Promise<void> {
  for (let start = 0; start < bytes.length && !gone.aborted; start += WEB_SLICE_BYTES) {
    if (!output.write(bytes.subarray(start, start + WEB_SLICE_BYTES))) await drained(output, gone, clock);
  }
}

async function drained(output: Writable, gone: AbortSignal, clock: Clock): Promise<void> {
  if (gone.aborted) return;
  const cancel = clock.schedule(WEB_STALL_MS, () => output.destroy());
  try {
    await once(output, 'drain', { signal: gone });
  } catch (error) {
    if (!gone.aborted) throw error;
  } finally {
    cancel();
  }
}
