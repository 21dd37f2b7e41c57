// A way to the broker by a neighbour, over real TLS in TLS (T7): to that broker alone, bounded, and blind to what is said.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectTrusted } from '#peer-home';
import {
  brokerDial,
  brokerSubject,
  LAN_RULES,
  type LanOffer,
  loopbackInterfaces,
  tunnelTarget,
  withoutAsking,
} from '#peer-link';
import { ALPN_SHARDS } from '#protocol';
import { AgentFixture, CLIENT_ID, HOST_ID } from '../../../../test/agent-fixture.js';
import { TUNNELS_OF_PEER_MAX } from '../limits.js';

const BROKER_CODES = { unreachable: 'broker_unreachable', untrusted: 'broker_untrusted' } as const;

let host: AgentFixture;
let brokerPort: number;
let echo: Server | null;
const sockets: TLSSocket[] = [];
beforeEach(async () => {
  echo = null;
  const lan = {
    listen: { host: '127.0.0.1', port: 0 },
    interfaces: loopbackInterfaces,
    rules: { ...LAN_RULES, port: 20_000 + (process.pid % 20_000) },
  };
  host = await AgentFixture.start();
  brokerPort = host.broker.port;
  await host.agent.stop();
  host.settings = { lan };
  await host.restart();
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  echo?.close();
  await host.stop();
});

/** The answer to CONNECT, and the connection behind it. */
async function ask(target: string, port = host.agent.lanPort): Promise<{ status: number; socket: TLSSocket }> {
  const socket = connect({
    host: '127.0.0.1',
    port,
    ca: host.authority.caPem,
    key: host.client.privateKeyPem,
    cert: host.client.certificatePem,
    ALPNProtocols: [ALPN_SHARDS],
    checkServerIdentity: () => undefined,
  });
  sockets.push(socket);
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`);
  const [head] = (await once(socket, 'data')) as [Buffer];
  return { status: Number(/^HTTP\/1\.1 (\d+) /.exec(head.toString())?.[1]), socket };
}

/** The status of a connection that is not carried; it is over after that. */
async function refusalOf(target: string): Promise<number> {
  const { status, socket } = await ask(target);
  await once(socket, 'close');
  return status;
}

const brokerAt = (port = brokerPort) => ({ host: '127.0.0.1', port });

/** A server with the certificate of this subject in the place of the broker; it says back what it hears. */
async function echoAt(port: number, subject: 'broker' | typeof HOST_ID): Promise<void> {
  await serveAt(port, subject, (socket) => socket.pipe(socket));
}

async function serveAt(
  port: number,
  subject: 'broker' | typeof HOST_ID,
  serve: (socket: TLSSocket) => unknown,
): Promise<void> {
  const identity = await host.authority.issue(subject);
  const options = { key: identity.privateKeyPem, cert: identity.certificatePem, ALPNProtocols: ['http/1.1'] };
  echo = createServer(options, (socket) => {
    socket.on('error', () => undefined);
    serve(socket);
  });
  echo.listen(port, '127.0.0.1');
  await once(echo, 'listening');
}

describe('a neighbour with a way to the broker', () => {
  it('carries a connection there, and closes it when the broker does', async () => {
    const { status, socket } = await ask(tunnelTarget(brokerAt()));
    expect(status).toBe(200);
    // What is said there is for the broker alone; it takes nothing but TLS, and hangs up.
    socket.write('no handshake');
    await once(socket, 'close');
  });

  it('leads nowhere else, and not from other networks', async () => {
    const port = brokerPort;
    for (const target of ['127.0.0.1:1', `localhost:${port}`, `127.0.0.1:${port + 1}`, `127.0.0.1:0${port}`, 'broker'])
      expect([target, await refusalOf(target)]).toEqual([target, 403]);
  });

  it('carries so many for one peer, and tells when it cannot reach the broker itself', async () => {
    const target = tunnelTarget(brokerAt());
    for (let i = 0; i < TUNNELS_OF_PEER_MAX; i++) expect((await ask(target)).status).toBe(200);
    expect(await refusalOf(target)).toBe(503);
    for (const socket of sockets.splice(0)) socket.destroy();
    await host.broker.stop();
    expect(await refusalOf(target)).toBe(503);
  });
});

describe('the way to the broker', () => {
  const offered = (peerId = HOST_ID): LanOffer => ({
    peerId,
    address: '127.0.0.1',
    port: host.agent.lanPort,
    taskId: 'AAAAAAAAAAAAAAAAAAAAAA',
  });
  const noted: string[] = [];
  const ways: string[] = [];
  const dialBy = (offer: () => Promise<LanOffer | null>) => {
    const broker = brokerAt();
    const home = {
      identity: { ...host.home.identity, peerId: CLIENT_ID, broker },
      caPem: host.authority.caPem,
      privateKeyPem: host.client.privateKeyPem,
      certificate: () => ({ pem: host.client.certificatePem, notAfterMs: 0 }),
    };
    const requester = {
      ask: async ({ method, subjects }: { method: string; subjects: readonly string[] }) => {
        expect([method, subjects]).toEqual(['post', [brokerSubject(broker)]]);
        const found = await offer();
        return new Map(found === null ? [] : [[subjects[0]!, found]]);
      },
      liars: { note: (...[, , code]: string[]) => noted.push(code!) },
    };
    const onDirect = (): unknown => ways.push('direct');
    const onNeighbour = (): unknown => ways.push('neighbour');
    return brokerDial({ home, requester: requester as never, onDirect, onNeighbour });
  };
  /** What comes back of a word to the broker over this way, or the refusal. */
  async function say(dial: ReturnType<typeof brokerDial>): Promise<string> {
    const about = { trustDomain: host.authority.trustDomain, subject: 'broker' } as const;
    const options = { caPem: host.authority.caPem, expected: about, alpn: 'http/1.1', codes: BROKER_CODES, dial };
    try {
      const socket = await connectTrusted(options, brokerAt());
      sockets.push(socket);
      socket.write('word');
      return String((await once(socket, 'data'))[0]);
    } catch (error) {
      return (error as { code: string }).code;
    }
  }

  it('is direct while that works, and by a neighbour when it does not', async () => {
    const port = brokerPort;
    await host.broker.stop();
    await echoAt(port, 'broker');
    expect(await say(dialBy(() => Promise.reject(new Error('nobody is to be asked'))))).toBe('word');
    echo?.close();
    // The direct way fails, and by the time that a neighbour was found the broker is there for it.
    const dial = dialBy(async () => {
      await echoAt(port, 'broker');
      return offered();
    });
    expect(await say(dial)).toBe('word');
    expect(ways).toEqual(['direct', 'neighbour']);
  });

  it('is direct or none for what a neighbour is to be told', async () => {
    const port = brokerPort;
    await host.broker.stop();
    const dial = dialBy(() => Promise.reject(new Error('nobody is to be asked')));
    expect(await withoutAsking(() => say(dial))).toBe('broker_unreachable');
    await echoAt(port, 'broker');
    expect(await withoutAsking(() => say(dial))).toBe('word');
  });

  it('brings the last bytes of a broker that closes', async () => {
    const port = brokerPort;
    await host.broker.stop();
    const last = randomBytes(2_000_000);
    const dial = dialBy(async () => {
      await serveAt(port, 'broker', (socket) => socket.once('data', () => socket.end(last)));
      return offered();
    });
    const about = { trustDomain: host.authority.trustDomain, subject: 'broker' } as const;
    const options = { caPem: host.authority.caPem, expected: about, alpn: 'http/1.1', codes: BROKER_CODES, dial };
    const socket = await connectTrusted(options, brokerAt());
    sockets.push(socket);
    socket.write('word');
    expect(Buffer.concat(await socket.toArray()).equals(last)).toBe(true);
  });

  it('is none where nobody answers, where the neighbour has none, and where something else speaks for the broker', async () => {
    const port = brokerPort;
    await host.broker.stop();
    expect(await say(dialBy(async () => null))).toBe('broker_unreachable');
    expect(await say(dialBy(async () => offered()))).toBe('broker_unreachable');
    expect(await say(dialBy(async () => offered(CLIENT_ID)))).toBe('broker_unreachable');
    // Whoever says that it has none has not lied.
    expect(noted).toEqual(['peer_untrusted']);
    const dial = dialBy(async () => {
      await echoAt(port, HOST_ID);
      return offered();
    });
    expect(await say(dial)).toBe('broker_untrusted');
    expect((echo!.address() as AddressInfo).port).toBe(port);
  });

  it('ends with the neighbour’s connection, and nothing else with it', async () => {
    const port = brokerPort;
    await host.broker.stop();
    const dial = dialBy(async () => {
      await echoAt(port, 'broker');
      return offered();
    });
    expect(await say(dial)).toBe('word');
    const [inner] = sockets;
    const closed = once(inner!, 'close');
    await host.agent.kill();
    await closed;
    await host.restart();

    echo?.close();
    const outer = await dial('', 0);
    expect(await say(async () => outer)).toBe('word');
    // The outer one first: whoever carries goes before what is carried.
    outer.destroy();
    sockets.at(-1)!.destroy();
    await host.agent.triggers.presence().catch(() => undefined);
  });
});
