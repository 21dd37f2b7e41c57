// The way to the broker: direct, or by a neighbour that has one (T7). A neighbour carries the TLS of this machine with its
// broker, to that broker alone, and can neither read nor change what is said.
import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { connectTrusted, type Dial, type PeerHome } from '#peer-home';
import type { Clock } from '#process';
import { ALPN_SHARDS, encodeBase64url, ProtocolError, type UnixMs } from '#protocol';
import type { LanSubject } from './lan-message.js';
import { type LanOffer, LanRequester } from './lan-requester.js';
import type { OpenLan } from './open-lan.js';

/** How long the direct way is tried before a neighbour is asked; a broker that answers is faster by far. */
const DIRECT_MS_MAX = 5_000;
/** How long a neighbour may take to reach the broker. */
const TUNNEL_MS_MAX = 10_000;
/** Of the answer to CONNECT, its end included. */
const TUNNEL_HEAD_BYTES_MAX = 4 * 1024;
const HEAD_END = '\r\n\r\n';

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

export interface BrokerWayParts extends Pick<BrokerWayOptions, 'onDirect' | 'onNeighbour'> {
  readonly home: PeerHome;
  readonly nowMs: () => UnixMs;
  readonly clock: Clock;
}

export interface BrokerWayOptions {
  readonly home: Pick<PeerHome, 'identity' | 'caPem' | 'privateKeyPem' | 'certificate'>;
  readonly requester: Pick<LanRequester, 'ask' | 'liars'>;
  /** Told when the broker was reached without a neighbour. */
  readonly onDirect?: () => void;
  /** Told when a neighbour carries a connection, and why the direct one failed. */
  readonly onNeighbour?: (offer: LanOffer, reason: string) => void;
}

/** Set in what is done for a neighbour. */
const forNeighbour = new AsyncLocalStorage<true>();

/**
 * Connections to the broker that this work begins are direct, or fail: a machine that asked its neighbours because it was
 * asked itself would make all of them ask. One that a neighbour carries already is used.
 */
export function withoutAsking<T>(work: () => T): T {
  return forNeighbour.run(true, work);
}

/**
 * The way to the broker of a home that takes part in a local network. It asks neighbours by a requester of its own: that
 * nobody knows a way to the broker says nothing about who has shards.
 */
export function brokerWayOver(
  { channel, rules }: Pick<OpenLan, 'channel' | 'rules'>,
  { home, nowMs, clock, ...told }: BrokerWayParts,
): Dial {
  const { trustDomain } = home.identity;
  const approvalKeys = () => home.network.signingKeys('approval');
  const requester = new LanRequester({ channel, approvalKeys, trustDomain, nowMs, clock, rules });
  return brokerDial({ home, requester, ...told });
}

/** What a need for a way to this broker is about: the SHA-256 of `POST https://host:port`. Pure. */
export function brokerSubject({ host, port }: BrokerAddress): LanSubject {
  return encodeBase64url(
    createHash('sha256')
      .update(`POST https://${tunnelTarget({ host, port })}`)
      .digest(),
  );
}

/** `host:port`, as CONNECT names it. */
export function tunnelTarget({ host, port }: BrokerAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * Connects to the broker of a home: direct first, each time; where that fails, by the first neighbour that the broker has
 * approved for it.
 *
 * throws   as a connection does: the failure of the direct way, where no neighbour has another
 */
export function brokerDial({ home, requester, onDirect, onNeighbour }: BrokerWayOptions): Dial {
  const { broker } = home.identity;
  return async () => {
    try {
      const direct = await connectPlain(broker, DIRECT_MS_MAX);
      onDirect?.();
      return direct;
    } catch (failure) {
      if (forNeighbour.getStore()) throw failure;
      const subject = brokerSubject(broker);
      const offers = await requester.ask({ method: 'post', subjects: [subject], enough: 1 });
      const offer = offers.get(subject);
      if (offer === undefined) throw failure;
      onNeighbour?.(offer, (failure as NodeJS.ErrnoException).code ?? 'unreachable');
      try {
        return await tunnelThrough(home, offer);
      } catch (error) {
        const code = error instanceof ProtocolError ? error.code : 'peer_unreachable';
        // Its own way may have ended since, or be in use: it says so, and has not lied.
        if (code !== 'broker_unreachable') requester.liars.note(offer.peerId, offer.taskId, code);
        throw failure;
      }
    }
  };
}

/** A connection to the broker inside one to a neighbour, under the certificates of both. */
async function tunnelThrough(home: BrokerWayOptions['home'], { peerId, address, port }: LanOffer): Promise<Duplex> {
  const { trustDomain, broker } = home.identity;
  const socket = await connectTrusted(
    {
      caPem: home.caPem,
      expected: { trustDomain, subject: peerId },
      alpn: ALPN_SHARDS,
      own: () => ({ certificatePem: home.certificate().pem, privateKeyPem: home.privateKeyPem }),
      codes: { unreachable: 'peer_unreachable', untrusted: 'peer_untrusted' },
    },
    { host: address, port },
  );
  const target = tunnelTarget(broker);
  socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}${HEAD_END}`);
  await readHead(socket);
  return streamOver(socket);
}

/**
 * The connection as a plain stream. TLS that is made over a TLS socket itself takes that one's handle, in native code and
 * below what was read of it here; a process that does so has been seen to end there.
 */
function streamOver(socket: TLSSocket): Duplex {
  const stream = new Duplex({
    read: () => {
      socket.resume();
    },
    write: (piece: Buffer, encoding, done) => {
      socket.write(piece, encoding, done);
    },
    final: (done) => {
      // One that is closed by then has nothing left to be told.
      socket.end(() => done());
    },
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  socket.on('data', (piece: Buffer) => {
    if (!stream.push(piece)) socket.pause();
  });
  socket.once('end', () => stream.push(null));
  socket.once('close', () => {
    // What came before an end may not have been read yet.
    if (socket.readableEnded && !stream.readableEnded) stream.once('end', () => stream.destroy());
    else stream.destroy();
  });
  return stream;
}

/** Reads the answer to CONNECT, and leaves what comes behind it. throws broker_unreachable for a 503, peer_unreachable unless it is a 200 */
function readHead(socket: TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    let head = Buffer.alloc(0);
    const end = (error: Error | null): void => {
      clearTimeout(timer);
      socket.off('data', take).off('close', closed);
      socket.pause();
      if (error === null) {
        resolve();
        return;
      }
      socket.destroy();
      reject(error);
    };
    const refused = (reason: string): void => end(new ProtocolError('peer_unreachable', { reason }));
    const closed = (): void => refused('closed');
    const take = (piece: Buffer): void => {
      head = Buffer.concat([head, piece]);
      const at = head.indexOf(HEAD_END);
      if (at === -1) {
        if (head.length > TUNNEL_HEAD_BYTES_MAX) refused('long answer');
        return;
      }
      const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(head.toString('latin1', 0, at)) ?? [];
      if (status === '503') {
        end(new ProtocolError('broker_unreachable', { reason: 'no way to the broker' }));
        return;
      }
      if (status !== '200') {
        refused('no way to the broker');
        return;
      }
      end(null);
      if (head.length > at + HEAD_END.length) socket.unshift(head.subarray(at + HEAD_END.length));
    };
    const timer = setTimeout(() => refused('tunnel timeout'), TUNNEL_MS_MAX);
    socket.on('data', take).once('close', closed);
  });
}

function connectPlain({ host, port }: BrokerAddress, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true });
    const end = (error: Error | null): void => {
      clearTimeout(timer);
      socket.off('connect', connected).off('error', end);
      if (error === null) {
        resolve(socket);
        return;
      }
      socket.destroy();
      reject(error);
    };
    const connected = (): void => end(null);
    const timer = setTimeout(
      () => end(Object.assign(new Error('the broker does not answer'), { code: 'ETIMEDOUT' })),
      timeoutMs,
    );
    socket.once('connect', connected).once('error', end);
  });
}
