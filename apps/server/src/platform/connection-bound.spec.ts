// One network holds so many connections and no more; whoever comes through a proxy of ours is not counted.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '#process';
import { KeptLog } from '../captcha/testing/kept-log.js';
import { REFUSED_CONNECTIONS_LOG_MS } from '../limits.js';
import { boundConnections } from './connection-bound.js';

const MAX = 3;

let server: Server;
let log: KeptLog;
let clock: FakeClock;
let sockets: Socket[];

beforeEach(() => {
  [log, clock, sockets] = [new KeptLog(), new FakeClock(0), []];
});
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
});

async function listen(isExempt: (address: string) => boolean = () => false): Promise<void> {
  server = createServer((socket) => socket.on('error', () => undefined));
  boundConnections(server, { perNetworkMax: MAX, isExempt, clock, log });
  server.on('connection', (socket) => socket.destroyed || socket.write('hello'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
}

/** A new connection, and whether the listener keeps it. */
async function come(localAddress = '127.0.0.1'): Promise<boolean> {
  const { port } = server.address() as AddressInfo;
  const socket = connect({ host: '127.0.0.1', port, localAddress });
  sockets.push(socket);
  return new Promise((resolve) => {
    socket.once('data', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}

const refusals = (): unknown[] =>
  log.lines
    .map((line): { event: string; connections?: number } => JSON.parse(line))
    .filter(({ event }) => event === 'connections_refused')
    .map(({ connections }) => connections);

describe('the connections of one network', () => {
  it('are so many and no more, and other networks have their own', async () => {
    await listen();
    for (let i = 0; i < MAX; i++) expect(await come()).toBe(true);
    expect(await come()).toBe(false);
    expect(await come('127.0.0.2')).toBe(true);
  });

  it('make room when one ends', async () => {
    await listen();
    let lastAtServer: Socket | undefined;
    server.on('connection', (socket) => {
      lastAtServer = socket;
    });
    for (let i = 0; i < MAX; i++) await come();
    const closed = once(lastAtServer!, 'close');
    sockets.at(-1)!.destroy();
    await closed;
    expect(await come()).toBe(true);
    expect(await come()).toBe(false);
  });

  it('are not bounded when they are those of a trusted proxy', async () => {
    await listen((address) => address === '127.0.0.1');
    for (let i = 0; i < MAX + 2; i++) expect(await come()).toBe(true);
  });

  it('that are refused are logged once a minute, with their number', async () => {
    await listen();
    for (let i = 0; i < MAX + 3; i++) await come();
    expect(refusals()).toEqual([1]);
    clock.advance(REFUSED_CONNECTIONS_LOG_MS);
    await come();
    expect(refusals()).toEqual([1, 3]);
  });
});
