// The long line: all bytes, in order, none before its time, and many on the way at once.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { DelayingProxy } from './delaying-proxy.js';

let echo: Server;
let proxy: DelayingProxy;

async function line(delayMs: number): Promise<void> {
  echo = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  proxy = await DelayingProxy.start({
    target: { host: '127.0.0.1', port: (echo.address() as AddressInfo).port },
    delayMs,
  });
}

afterEach(async () => {
  await proxy.stop();
  echo.close();
});

async function roundTrip(sent: Buffer): Promise<{ received: Buffer; firstByteMs: number }> {
  const socket = connect({ host: '127.0.0.1', port: proxy.port });
  const startMs = performance.now();
  let firstByteMs = 0;
  const pieces: Buffer[] = [];
  socket.on('data', (piece: Buffer) => {
    if (pieces.length === 0) firstByteMs = performance.now() - startMs;
    pieces.push(piece);
  });
  socket.end(sent);
  await once(socket, 'end');
  return { received: Buffer.concat(pieces), firstByteMs };
}

describe('a delaying proxy', () => {
  it('passes every byte in order, and none before two delays are over', async () => {
    await line(40);
    const sent = randomBytes(3_000_000);
    const { received, firstByteMs } = await roundTrip(sent);
    expect(received.equals(sent)).toBe(true);
    // Timers may fire up to a millisecond early.
    expect(firstByteMs).toBeGreaterThan(78);
  });

  it('holds many pieces on their way at once', async () => {
    await line(100);
    const { received } = await roundTrip(randomBytes(8_000_000));
    expect(received.length).toBe(8_000_000);
    // Not one piece of 64 KiB in each round trip.
    expect(proxy.mostUnderWay).toBeGreaterThan(1_000_000);
  });
});
