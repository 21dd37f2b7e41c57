// A listener for whatever watches a program on its own machine: its figures, whether it is alive, and whether it can work.
// Plain HTTP, so on loopback only.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ListenAddress, parseListenAddress } from '#process';
import { PROBLEM_CONTENT_TYPE, ProtocolError, problemFrom } from '#protocol';
import type { MetricsBook } from './metrics-book.js';

const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|::1|localhost)$/;
const OWN_NAME = /^(?:127(?:\.\d{1,3}){3}|\[::1\]|localhost)$/;
const CONNECTIONS_MAX = 32;
const HEADERS_TIMEOUT_MS = 10_000;

export interface Unready {
  /** One word for it. */
  readonly cause: string;
  readonly detail: string;
}

export interface MetricsParts {
  readonly book: MetricsBook;
  /** What stands in the way of its work; empty when it is ready. */
  readonly unready: () => Promise<readonly Unready[]>;
}

export interface RunningMetrics {
  readonly port: number;
  close(): Promise<void>;
}

/** throws usage for an address that is not of this machine alone */
export function readMetricsAddress(text: string): ListenAddress {
  const address = parseListenAddress(text);
  if (address !== null && LOOPBACK.test(address.host)) return address;
  throw new ProtocolError('usage', {}, { detail: `--metrics ${text} is no ADDRESS:PORT on loopback` });
}

/** throws EADDRINUSE and its kin */
export async function serveMetrics(listen: ListenAddress, parts: MetricsParts): Promise<RunningMetrics> {
  const server = createServer({ headersTimeout: HEADERS_TIMEOUT_MS }, (request, response) => {
    answer(request, response, parts).catch((error: unknown) => response.destroy(error as Error));
  });
  server.maxConnections = CONNECTIONS_MAX;
  await listening(server, listen);
  // It keeps no process alive.
  server.unref();
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}

async function answer(
  { method, url, headers }: IncomingMessage,
  response: ServerResponse,
  { book, unready }: MetricsParts,
): Promise<void> {
  const path = url?.split('?')[0];
  // A page in a browser of this machine may have its name lead here (DNS rebinding), but it keeps that name.
  if (!isOwnName(headers.host)) return sendProblem(response, new ProtocolError('route_unknown'));
  if (method !== 'GET' && method !== 'HEAD') return sendProblem(response, new ProtocolError('route_unknown'));
  switch (path) {
    case '/metrics':
      return send(response, 200, book.contentType, await book.text());
    case '/healthz':
      return send(response, 200, 'application/json', '{"status":"ok"}');
    case '/readyz': {
      const found = await unready();
      if (found.length === 0) return send(response, 200, 'application/json', '{"status":"ok"}');
      const detail = found.map((one) => `${one.cause}: ${one.detail}`).join('; ');
      const cause = found.map((one) => one.cause).join(' ');
      return sendProblem(response, new ProtocolError('not_ready', { cause }, { detail }));
    }
    default:
      return sendProblem(response, new ProtocolError('route_unknown'));
  }
}

function isOwnName(host: string | undefined): boolean {
  return host !== undefined && URL.canParse(`http://${host}`) && OWN_NAME.test(new URL(`http://${host}`).hostname);
}

function sendProblem(response: ServerResponse, refusal: ProtocolError): void {
  send(response, refusal.status, PROBLEM_CONTENT_TYPE, JSON.stringify(problemFrom(refusal)));
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
}

function listening(server: Server, { host, port }: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
