// Sends prepared requests over HTTPS, as fast as the connections allow or at a given rate, and says how long each took.
import { setTimeout as wait } from 'node:timers/promises';
import { Client } from 'undici';
import type { SignedRequest } from './signed-post.js';

export interface LoadFigures {
  readonly requests: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/**
 * Each connection takes the next request as soon as it has its answer; the first answer that is no success ends all.
 * With `perSecond` the requests are due at that rate, whatever the answers do (an open loop), and a time is counted from
 * when its request was due, so that waiting for a free connection counts too.
 */
export async function sendAll(
  origin: string,
  requests: readonly SignedRequest[],
  connections: number,
  perSecond: number | null = null,
): Promise<LoadFigures> {
  const clients = Array.from(
    { length: connections },
    () => new Client(origin, { connect: { rejectUnauthorized: false }, pipelining: 1 }),
  );
  const tookMs: number[] = [];
  let next = 0;
  const drive = async (client: Client): Promise<void> => {
    for (let i = next++; i < requests.length; i = next++) {
      const { path, headers, body } = requests[i]!;
      const dueMs = perSecond === null ? performance.now() : beganMs + (i * 1000) / perSecond;
      if (dueMs > performance.now()) await wait(dueMs - performance.now());
      const answer = await client.request({ method: 'POST', path, headers, body });
      const text = await answer.body.text();
      tookMs.push(performance.now() - dueMs);
      if (answer.statusCode >= 300) throw new Error(`${path}: ${answer.statusCode} ${text.slice(0, 500)}`);
    }
  };
  let beganMs = 0;
  try {
    // Handshakes are paid before the clock runs: peers keep their connections.
    await Promise.all(
      clients.map((client) => client.request({ method: 'GET', path: '/' }).then(({ body }) => body.dump())),
    );
    beganMs = performance.now();
    await Promise.all(clients.map(drive));
  } finally {
    await Promise.all(clients.map((client) => client.destroy()));
  }
  const seconds = (performance.now() - beganMs) / 1000;
  tookMs.sort((a, b) => a - b);
  const at = (share: number): number => tookMs[Math.min(tookMs.length - 1, Math.floor(tookMs.length * share))] ?? 0;
  return { requests: requests.length, seconds, p50Ms: at(0.5), p99Ms: at(0.99) };
}
