// The listener itself: what is no request of ours is refused in our form, and nobody holds more of it than a share.
import { once } from 'node:events';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CONNECTIONS_PER_NETWORK_MAX } from '../limits.js';
import { BrokerFixture } from '../testing/broker-fixture.js';

const AT_ONCE = 128;

let fixture: BrokerFixture;

beforeAll(async () => {
  fixture = await BrokerFixture.start();
});
afterAll(() => fixture.remove());

/** Send these bytes; everything that comes back until the broker hangs up. */
async function exchange(bytes: string): Promise<string> {
  const { port } = fixture.broker;
  const socket = connect({ host: '127.0.0.1', port, ca: await fixture.caPem() });
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    answer += text;
  });
  // Hanging up may reset what was still on its way to the broker.
  socket.on('error', () => undefined);
  socket.write(bytes);
  await once(socket, 'close');
  return answer;
}

const get = (path: string, accept = 'application/json'): Promise<string> =>
  exchange(`GET ${path} HTTP/1.1\r\nHost: x\r\nAccept: ${accept}\r\nConnection: close\r\n\r\n`);

describe('what no route can be asked', () => {
  it.each([
    ['an address that does not decode', () => get('/%zz'), 400, 'request_invalid'],
    ['one below /v1', () => get('/v1/%zz'), 400, 'request_invalid'],
    ['a parameter of a route that is too long', () => get(`/captcha/${'a'.repeat(300)}`), 400, 'request_invalid'],
    ['an address that is too long', () => get(`/${'a'.repeat(20_000)}`), 413, 'request_too_large'],
    ['bytes that are no HTTP', () => exchange('hello\r\n\r\n'), 400, 'request_invalid'],
  ])('%s is a problem document of ours', async (_what, ask, status, code) => {
    const answer = await ask();
    const [head, body] = answer.split('\r\n\r\n') as [string, string];
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(head.toLowerCase()).toContain('content-type: application/problem+json');
    expect(JSON.parse(body)).toMatchObject({ status, code, traceId: expect.any(String) });
  });

  it('is a page for a person', async () => {
    const answer = await get('/%zz', 'text/html');
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('<!doctype html>');
  });
});

describe('connections', () => {
  it('of one network are bounded, also those that never begin a handshake', async () => {
    const { port } = fixture.broker;
    const sockets: Socket[] = [];
    try {
      // Fewer at once than the system lets wait for a listener.
      for (let opened = 0; opened < CONNECTIONS_PER_NETWORK_MAX; opened += AT_ONCE) {
        const some = Array.from({ length: AT_ONCE }, () => connectPlain({ host: '127.0.0.1', port }));
        sockets.push(...some);
        await Promise.all(
          some.map((socket) =>
            once(
              socket.on('error', () => undefined),
              'connect',
            ),
          ),
        );
      }
      const oneMore = connectPlain({ host: '127.0.0.1', port }).on('error', () => undefined);
      await once(oneMore, 'close');
      expect(sockets.some(({ closed }) => closed)).toBe(false);
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });
});
