// F3, F4: a browser that knows only a peer's URL reaches the peer's pages through the relay, by HTTP/1.1 and HTTP/2; nobody else is
// reached that way, and nothing that a visitor or a peer claims of the way is believed.
import { randomBytes } from 'node:crypto';
import { connect as http2Connect, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { connect as netConnect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { connect as tlsConnect } from 'node:tls';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestAuthority } from '../../../../test/authority.js';
import { eventually } from '../../../../test/eventually.js';
import { type AttachedHost, HOST_ID, RelayFixture } from '../../../../test/relay-fixture.js';
import { inTheWay } from '../reach/in-the-way.js';
import { placeOf } from './find-visited.js';
import {
  VISIT_BODY_BYTES_MAX,
  VISIT_IDLE_MS_MAX,
  VISITOR_CONNECTIONS_PER_NETWORK_MAX,
  VISITOR_HEADER_BYTES_MAX,
  VISITOR_KEEP_ALIVE_MS,
  VISITS_PER_PEER_MAX,
} from './limits.js';
import { headersToPeer, headersToVisitor } from './visit-headers.js';

const DOMAIN = 'peers.test';
const MiB = 1024 * 1024;
const STEP_MS = 5_000;

let web: TestAuthority;
let fixture: RelayFixture;
let host: AttachedHost;

beforeEach(async () => {
  web = await TestAuthority.create();
  const { certificatePem, privateKeyPem } = await web.issueNames([{ type: 'dns', value: `*.${DOMAIN}` }]);
  const listen = { host: '127.0.0.1', port: 0 };
  const webConfig = { listen, certificatePem, privateKeyPem, domain: DOMAIN };
  fixture = await RelayFixture.start({ web: webConfig, metrics: listen });
  host = await fixture.attach(HOST_ID, serveLease('attic', true));
});
afterEach(() => fixture.stop());

const serveLease = (name: string, isOpen: boolean): string =>
  fixture.lease('serve', { subject: HOST_ID, peerId: HOST_ID, name, web: isOpen });

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Asked {
  readonly method?: string;
  readonly host?: string;
  readonly headers?: Record<string, string>;
  readonly body?: Buffer;
}

function byHttp1(
  path: string,
  { method = 'GET', host: name = 'attic', headers = {}, body }: Asked = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const servername = `${name}.${DOMAIN}`;
    const options = { host: '127.0.0.1', port: fixture.relay.webPort!, servername, ca: [web.caPem], agent: false };
    const sent = httpsRequest({ ...options, method, path, headers: { host: servername, ...headers } }, (answer) => {
      const pieces: Buffer[] = [];
      answer.on('data', (piece: Buffer) => pieces.push(piece));
      answer.on('error', reject);
      answer.on('aborted', () => reject(new Error('cut off')));
      answer.on('end', () =>
        resolve({ status: answer.statusCode!, headers: answer.headers, body: Buffer.concat(pieces) }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

async function byHttp2(
  path: string,
  { method = 'GET', host: name = 'attic', headers = {}, body }: Asked = {},
): Promise<Answer> {
  const origin = `https://${name}.${DOMAIN}`;
  const session = http2Connect(origin, {
    ca: [web.caPem],
    createConnection: () =>
      tlsConnect({
        host: '127.0.0.1',
        port: fixture.relay.webPort!,
        servername: `${name}.${DOMAIN}`,
        ca: [web.caPem],
        ALPNProtocols: ['h2'],
      }),
  });
  try {
    return await new Promise((resolve, reject) => {
      session.on('error', reject);
      const stream = session.request({ ':method': method, ':path': path, ...headers });
      const pieces: Buffer[] = [];
      let head: IncomingHttpHeaders = {};
      stream.on('response', (answered) => {
        head = answered;
      });
      stream.on('data', (piece: Buffer) => pieces.push(piece));
      stream.on('error', reject);
      // An end is also told of a stream that was reset.
      stream.on('close', () => {
        if (stream.rstCode !== 0) reject(new Error(`reset: ${stream.rstCode}`));
      });
      stream.on('end', () => {
        if (stream.rstCode === 0)
          resolve({ status: Number(head[':status']), headers: head, body: Buffer.concat(pieces) });
      });
      // Piece by piece: Node resets a stream of HTTP/2 that is given too much at once.
      if (body === undefined) stream.end();
      else Readable.from(piecesOf(body)).pipe(stream);
    });
  } finally {
    session.destroy();
  }
}

function* piecesOf(body: Buffer): Generator<Buffer> {
  for (let start = 0; start < body.length; start += MiB) yield body.subarray(start, start + MiB);
}

/** The head of the answer, of a server that sends no body with it. */
async function headOf(socket: Socket): Promise<string> {
  let answer = '';
  while (!answer.includes('\r\n\r\n')) {
    answer += await new Promise<string>((resolve) => socket.once('data', (piece) => resolve(piece.toString())));
  }
  return answer;
}

/** Answers with what it was asked, and the body that it got. */
function echo(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  stream.respond({ ':status': 201, 'x-asked': `${headers[':method']} ${headers[':path']}`, 'content-type': 'text/x' });
  stream.pipe(stream);
}

describe.each([
  ['HTTP/1.1', byHttp1],
  ['HTTP/2', byHttp2],
] as const)('a visit by %s', (_version, ask) => {
  it('reaches the peer: method, path, body and answer, whatever their size', async () => {
    host.visit = echo;
    const body = randomBytes(40 * MiB);
    const answer = await ask('/a/b?c=d%20e', { method: 'POST', body });
    expect([answer.status, answer.headers['x-asked']]).toEqual([201, 'POST /a/b?c=d%20e']);
    expect(answer.body.equals(body)).toBe(true);
    await eventually(() => fixture.relay.visits.count === 0);
  });

  it('interleaves with others on the one connection', async () => {
    host.visit = echo;
    const bodies = Array.from({ length: 12 }, (_, i) => randomBytes(100_000 + i));
    const answers = await Promise.all(bodies.map((body) => ask('/', { method: 'PUT', body })));
    expect(answers.every(({ body }, i) => body.equals(bodies[i]!))).toBe(true);
  });

  it('tells the peer who asked, and nothing of what the visitor claims of it', async () => {
    let seen: IncomingHttpHeaders = {};
    host.visit = (stream, headers) => {
      seen = headers;
      stream.respond({ ':status': 204 }, { endStream: true });
    };
    const headers = {
      'x-forwarded-for': '8.8.8.8',
      forwarded: 'for=8.8.8.8',
      'x-real-ip': '8.8.8.8',
      'peerkeep-lease': 'x',
    };
    expect((await ask('/', { headers: { ...headers, cookie: 'a=b', range: 'bytes=0-3' } })).status).toBe(204);
    expect(seen).toMatchObject({
      ':authority': `attic.${DOMAIN}`,
      ':scheme': 'https',
      'peerkeep-visit': '1',
      'x-forwarded-for': expect.stringMatching(/127\.0\.0\.1$/),
      'x-forwarded-host': `attic.${DOMAIN}`,
      'x-forwarded-proto': 'https',
      cookie: 'a=b',
      range: 'bytes=0-3',
    });
    for (const name of ['forwarded', 'x-real-ip', 'peerkeep-lease', 'connection', 'host'])
      expect(seen).not.toHaveProperty(name);
    expect(JSON.stringify(seen)).not.toContain('8.8.8.8');
  });

  it('is cut off, not cut short, when the peer breaks off', async () => {
    host.visit = (stream) => {
      stream.respond({ ':status': 200 });
      stream.write(Buffer.alloc(1000), () => host.destroy());
    };
    await expect(ask('/')).rejects.toThrow();
    await eventually(() => fixture.relay.visits.count === 0);
  });

  it('is told in plain words when the peer breaks off before it answers', async () => {
    for (const breakOff of [(stream: ServerHttp2Stream) => stream.close(2), () => host.destroy()]) {
      host.visit = breakOff;
      const { status, body } = await ask('/', { method: 'POST', body: randomBytes(1000) });
      expect([status, body.toString()]).toEqual([503, expect.stringContaining('This machine is not connected')]);
      await eventually(() => fixture.relay.visits.count === 0);
    }
  });

  it('is refused in plain words for a name that is unknown, away, or lets nobody in, all alike', async () => {
    host.visit = echo;
    const unknown = await ask('/', { host: 'nobody' });
    expect([unknown.status, unknown.headers['content-type']]).toEqual([502, 'text/html; charset=utf-8']);
    host.lease = serveLease('attic', false);
    await host.dial('control');
    await eventually(() => fixture.relay.peers.find(HOST_ID)?.lease?.claims.web === false);
    const shut = await ask('/');
    expect([shut.status, shut.body.toString()]).toEqual([502, unknown.body.toString()]);
    host.destroy();
    await eventually(() => fixture.relay.peers.count === 0);
    expect((await ask('/')).body.toString()).toBe(unknown.body.toString());
  });

  it('counts under the lease of the peer', async () => {
    host.visit = echo;
    const before = fixture.relay.peers.find(HOST_ID)!.lease!.ownBytes;
    await ask('/', { method: 'POST', body: randomBytes(50_000) });
    await eventually(() => fixture.relay.peers.find(HOST_ID)!.lease!.ownBytes === before + 100_000);
  });
});

describe('bounds of visits', () => {
  it('hold for connections by HTTP/1.1: how long they idle, how large a head is, and how many one network has', async () => {
    host.visit = echo;
    expect(await rawly('x: 1')).toContain(`Keep-Alive: timeout=${VISITOR_KEEP_ALIVE_MS / 1_000}\r\n`);
    expect(await rawly(`x: ${'y'.repeat(VISITOR_HEADER_BYTES_MAX)}`)).toMatch(/^HTTP\/1\.1 431 /);
    const at = { host: '127.0.0.1', port: fixture.relay.webPort! };
    const sockets = Array.from({ length: VISITOR_CONNECTIONS_PER_NETWORK_MAX + 1 }, () => netConnect(at).resume());
    for (const socket of sockets) socket.on('error', () => socket.destroy());
    await eventually(() => sockets.some(({ destroyed }) => destroyed));
    await expect(byHttp1('/')).rejects.toThrow();
    for (const socket of sockets) socket.destroy();
  });

  /** What is answered to a request with that header, on a connection that stays open. */
  async function rawly(header: string): Promise<string> {
    const servername = `attic.${DOMAIN}`;
    const socket = tlsConnect({ host: '127.0.0.1', port: fixture.relay.webPort!, servername, ca: [web.caPem] });
    socket.on('error', () => socket.destroy());
    socket.write(`GET / HTTP/1.1\r\nHost: ${servername}\r\n${header}\r\n\r\n`);
    return headOf(socket);
  }

  it('refuse a body that is too large, before or while it comes', async () => {
    host.visit = echo;
    const said = await byHttp1('/', {
      method: 'POST',
      headers: { 'content-length': String(VISIT_BODY_BYTES_MAX + 1) },
    }).catch(() => null);
    expect(said === null || said.status === 400).toBe(true);
    let arrivedBytes = 0;
    host.visit = (stream) => {
      stream.respond({ ':status': 200 });
      stream.on('data', (piece: Buffer) => {
        arrivedBytes += piece.length;
      });
      stream.on('end', () => stream.end('all of it'));
    };
    const headers = { 'transfer-encoding': 'chunked' };
    const most = Buffer.alloc(VISIT_BODY_BYTES_MAX);
    expect((await byHttp1('/', { method: 'POST', headers, body: most })).body.toString()).toBe('all of it');
    expect(arrivedBytes).toBe(VISIT_BODY_BYTES_MAX);
    const more = Buffer.alloc(VISIT_BODY_BYTES_MAX + 1);
    await expect(byHttp1('/', { method: 'POST', headers, body: more })).rejects.toThrow();
    await eventually(() => fixture.relay.visits.count === 0);
  });

  it('end a visit in which nothing moves', async () => {
    host.visit = (stream) => stream.respond({ ':status': 200 });
    const asked = byHttp1('/').catch((error: Error) => error);
    await eventually(() => fixture.relay.visits.count === 1);
    // In steps: each lets the connections answer the pings of the time that passes.
    for (let passedMs = 0; passedMs < VISIT_IDLE_MS_MAX; passedMs += STEP_MS) {
      expect(fixture.relay.visits.count).toBe(1);
      fixture.clock.advance(STEP_MS);
      await host.ping();
      await fixture.relay.triggers.watch();
    }
    expect(await asked).toBeInstanceOf(Error);
    await eventually(() => fixture.relay.visits.count === 0);
  });

  it('leave no more visits to a peer than it may have, and give each place back', () => {
    const { visits } = fixture.relay;
    const places = Array.from({ length: VISITS_PER_PEER_MAX }, () => visits.take(HOST_ID));
    expect(() => visits.take(HOST_ID)).toThrow(expect.objectContaining({ code: 'relay_full' }));
    places[0]!();
    places[0]!();
    visits.take(HOST_ID);
    expect(() => visits.take(HOST_ID)).toThrow(expect.objectContaining({ code: 'relay_full' }));
  });

  it('hold back a peer that answers faster than its visitor reads', async () => {
    host.visit = (stream) => {
      stream.respond({ ':status': 200 });
      stream.end(Buffer.alloc(64 * MiB));
    };
    const servername = `attic.${DOMAIN}`;
    const slow = tlsConnect({ host: '127.0.0.1', port: fixture.relay.webPort!, servername, ca: [web.caPem] });
    slow.on('error', () => slow.destroy());
    slow.write(`GET / HTTP/1.1\r\nHost: ${servername}\r\n\r\n`);
    slow.pause();
    await eventually(() => fixture.relay.visits.heldBytes > MiB / 2);
    expect(fixture.relay.visits.heldBytes).toBeLessThan(8 * MiB);
    const metrics = await (await fetch(`http://127.0.0.1:${fixture.relay.metricsPort}/metrics`)).text();
    expect(Number(/^peerkeep_relay_held_bytes (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThan(MiB / 2);
    // It is in the way of the others when all may hold less than that.
    for (const one of inTheWay(fixture.relay.visits.all, MiB / 4)) one.end();
    await eventually(() => fixture.relay.visits.count === 0);
  });
});

describe('a WebSocket', () => {
  it('is an upgrade for the browser and an extended CONNECT for the peer (RFC 8441)', async () => {
    let seen: IncomingHttpHeaders = {};
    host.visit = (stream, headers) => {
      seen = headers;
      stream.respond({ ':status': 200, 'sec-websocket-protocol': 'chat' });
      stream.pipe(stream);
    };
    const { socket, answer } = await upgrade('/socket');
    // The key and the proof for it are the ones of RFC 6455 §1.3.
    expect(answer).toMatch(/^HTTP\/1\.1 101 /);
    expect(answer).toContain('Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
    expect(answer).toContain('sec-websocket-protocol: chat');
    expect(seen).toMatchObject({
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':path': '/socket',
      'peerkeep-visit': '1',
    });
    expect(seen).not.toHaveProperty('sec-websocket-key');
    const frames = randomBytes(100_000);
    const pieces: Buffer[] = [];
    socket.on('data', (piece: Buffer) => pieces.push(piece));
    socket.write(frames);
    await eventually(() => Buffer.concat(pieces).length >= frames.length);
    expect(Buffer.concat(pieces).equals(frames)).toBe(true);
    socket.destroy();
    await eventually(() => fixture.relay.visits.count === 0);
  });

  it('is refused where the peer has none', async () => {
    host.visit = (stream) => stream.respond({ ':status': 404 }, { endStream: true });
    const { answer } = await upgrade('/socket');
    expect(answer).toMatch(/^HTTP\/1\.1 502 /);
    await eventually(() => fixture.relay.visits.count === 0);
  });

  async function upgrade(path: string): Promise<{ socket: Socket; answer: string }> {
    const servername = `attic.${DOMAIN}`;
    const socket = tlsConnect({ host: '127.0.0.1', port: fixture.relay.webPort!, servername, ca: [web.caPem] });
    socket.on('error', () => socket.destroy());
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: ${servername}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    );
    return { socket, answer: await headOf(socket) };
  }
});

describe('names and headers', () => {
  it('take a host for a peer only directly below the domain', () => {
    expect(placeOf('Attic.Peers.Test:443', DOMAIN)).toEqual({
      name: 'attic',
      host: 'attic.peers.test',
      authority: 'attic.peers.test',
    });
    expect(placeOf('attic.peers.test.:8443', DOMAIN).authority).toBe('attic.peers.test:8443');
    const wrong = [
      '',
      'peers.test',
      '.peers.test',
      'a.b.peers.test',
      '-a.peers.test',
      'atticpeers.test',
      'attic.peers.test.evil',
      'attic',
      '127.0.0.1',
    ];
    for (const authority of wrong) {
      expect(() => placeOf(authority, DOMAIN), authority).toThrow(expect.objectContaining({ code: 'name_unknown' }));
    }
    expect(() => placeOf('attic.null', null)).toThrow(expect.objectContaining({ code: 'name_unknown' }));
  });

  it('never pass on what belongs to one connection, whatever else there is', () => {
    const hop = [
      'connection',
      'keep-alive',
      'te',
      'upgrade',
      'transfer-encoding',
      'proxy-connection',
      'http2-settings',
    ];
    const facts = { method: 'GET', path: '/', host: 'a.b', authority: 'a.b', address: '::1' };
    fc.assert(
      fc.property(
        fc.subarray(hop),
        fc.dictionary(fc.stringMatching(/^x-[a-z]{1,9}$/), fc.string()),
        (names, others) => {
          const headers = {
            ...others,
            ...Object.fromEntries(names.map((name) => [name, 'x-secret'])),
            'x-secret': '1',
          };
          for (const passed of [headersToPeer(headers, facts), headersToVisitor(headers)]) {
            for (const name of hop) expect(passed).not.toHaveProperty(name);
            expect('x-secret' in passed).toBe(!names.includes('connection'));
          }
        },
      ),
    );
  });

  it('leave a cookie with the peer that set it', () => {
    const cookies = [
      'a=1; Domain=peers.test; Path=/; Secure',
      'b="x; y"; domain = .peers.test',
      '__Host-c=1; Secure; Path=/',
    ];
    expect(headersToVisitor({ 'set-cookie': cookies, 'alt-svc': 'h3=":1"', ':status': '200' } as never)).toEqual({
      'set-cookie': ['a=1; Path=/; Secure', 'b="x; y"', '__Host-c=1; Secure; Path=/'],
      'strict-transport-security': 'max-age=31536000',
    });
  });
});
