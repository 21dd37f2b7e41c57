// The listener for whatever watches a program: what it answers, and that a page in a browser of this machine reads nothing.
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MetricsBook } from './metrics-book.js';
import { type RunningMetrics, serveMetrics, type Unready } from './serve-metrics.js';

let running: RunningMetrics;
let unready: Unready[] = [];
beforeAll(async () => {
  const book = new MetricsBook('peerkeep_test_');
  book.counter({ name: 'puts_total', help: 'Puts.' });
  running = await serveMetrics({ host: '127.0.0.1', port: 0 }, { book, unready: async () => unready });
});
afterAll(() => running.close());

function ask(path: string, { method = 'GET', host = '127.0.0.1' } = {}): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: running.port, path, method, headers: { host } };
    const asked = request(options, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      answer.on('end', () => resolve({ status: answer.statusCode!, text }));
    });
    asked.on('error', reject).end();
  });
}

describe('the listener for figures', () => {
  it('tells figures, life and readiness, and nothing else', async () => {
    expect((await ask('/metrics')).text).toContain('peerkeep_test_puts_total 0');
    expect(await ask('/healthz')).toEqual({ status: 200, text: '{"status":"ok"}' });
    expect((await ask('/readyz')).status).toBe(200);
    unready = [{ cause: 'full', detail: 'no room' }];
    const told = await ask('/readyz');
    expect([told.status, JSON.parse(told.text).code, JSON.parse(told.text).facts]).toEqual([
      503,
      'not_ready',
      { cause: 'full' },
    ]);
    expect((await ask('/else')).status).toBe(404);
    expect((await ask('/metrics', { method: 'POST' })).status).toBe(404);
  });

  it.each([
    ['localhost', 200],
    ['127.0.0.1:7403', 200],
    ['[::1]:7403', 200],
    ['evil.example', 404],
    ['127.0.0.1.evil.example:7403', 404],
    ['no name', 404],
  ])('asked for as %s answers %i', async (host, status) => {
    expect((await ask('/metrics', { host })).status).toBe(status);
  });
});
