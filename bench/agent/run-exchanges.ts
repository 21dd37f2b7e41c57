// Sends prepared requests over a few kept connections, each taking the next one when it is free.
import { Client, type Dispatcher } from 'undici';

export interface Exchange {
  readonly method: 'PUT' | 'GET';
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: Buffer | null;
  readonly status: number;
  /** So many bytes must come back; null for an answer whose size does not matter. */
  readonly answerBytes: number | null;
}

export interface Reachable {
  readonly origin: string;
  readonly connect: NonNullable<Client.Options['connect']>;
}

/** Returns the seconds that it took. Any other answer than the expected one ends the measurement. */
export async function run(to: Reachable, exchanges: readonly Exchange[], connections: number): Promise<number> {
  const clients = Array.from({ length: connections }, () => new Client(to.origin, { connect: to.connect }));
  let next = 0;
  const drive = async (client: Client): Promise<void> => {
    for (let i = next++; i < exchanges.length; i = next++) await one(client, exchanges[i]!);
  };
  try {
    // Handshakes are paid before the clock runs.
    await Promise.all(
      clients.map((client) => client.request({ method: 'GET', path: '/' }).then(({ body }) => body.dump())),
    );
    const startedMs = performance.now();
    await Promise.all(clients.map(drive));
    return (performance.now() - startedMs) / 1000;
  } finally {
    await Promise.all(clients.map((client) => client.destroy()));
  }
}

async function one(client: Client, { method, path, headers, body, status, answerBytes }: Exchange): Promise<void> {
  const answer: Dispatcher.ResponseData = await client.request({ method, path, headers, body });
  let bytes = 0;
  for await (const piece of answer.body as AsyncIterable<Uint8Array>) bytes += piece.length;
  if (answer.statusCode !== status) throw new Error(`${method} ${path}: ${answer.statusCode}`);
  if (answerBytes !== null && bytes !== answerBytes) throw new Error(`${method} ${path}: ${bytes} bytes`);
}
