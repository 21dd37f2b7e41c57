// A relay with real TLS and real HTTP/2 on loopback: peers attach themselves, clients reach them, and bounds hold (F1, F4, F5).
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PING_NOTICED_MS } from '#peer-link';
import { emptyAnswer } from '#protocol';
import { eventually, turns } from '../../../test/eventually.js';
import { peerIdOf } from '../../../test/peer-fixture.js';
import { CLIENT_ID, echoInTls, HOST_ID, RelayFixture } from '../../../test/relay-fixture.js';
import { IDLE_BULK_MS_MAX } from './limits.js';

const MiB = 1024 * 1024;

let fixture: RelayFixture;

beforeEach(async () => {
  fixture = await RelayFixture.start();
});

afterEach(async () => {
  await fixture.stop();
});

/** As many bytes as asked for, or what came until the stream ended. */
function read(stream: Duplex, sizeBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let got = 0;
    const finish = (): void => resolve(Buffer.concat(pieces));
    stream.on('data', (piece: Buffer) => {
      pieces.push(piece);
      got += piece.length;
      if (got >= sizeBytes) finish();
    });
    stream.once('end', finish);
    stream.once('close', finish);
    stream.once('error', reject);
  });
}

describe('carrying', () => {
  it('TLS from end to end through a relay that holds neither key (F1)', async () => {
    const host = await fixture.attach();
    host.use = echoInTls(host.identity, fixture.authority.caPem);
    const dialer = await fixture.dialer();
    const stream = await dialer.open(fixture.way(), HOST_ID);
    const socket = await fixture.innerTls(stream);
    expect(socket.getPeerX509Certificate()?.subjectAltName).toContain(HOST_ID);
    const bytes = randomBytes(3 * MiB);
    const answer = read(socket, bytes.length);
    socket.write(bytes);
    expect((await answer).equals(bytes)).toBe(true);
    expect(host.from).toEqual([CLIENT_ID]);
    socket.destroy();
    await eventually(() => fixture.relay.tunnels.count === 0);
  });

  it('an end of one direction, while the other goes on', async () => {
    const host = await fixture.attach();
    host.use = (peer) => {
      peer.resume();
      peer.once('end', () => peer.end(Buffer.alloc(2 * MiB, 7)));
    };
    const stream = await (await fixture.dialer()).open(fixture.way(), HOST_ID);
    const answer = read(stream, Number.POSITIVE_INFINITY);
    stream.end(randomBytes(MiB));
    expect((await answer).equals(Buffer.alloc(2 * MiB, 7))).toBe(true);
    expect(host.receivedBytes).toBe(MiB);
    await eventually(() => fixture.relay.tunnels.count === 0);
  });

  it('many streams on one connection of a client, though one of them stalls (F4, F5)', async () => {
    const host = await fixture.attach();
    const dialer = await fixture.dialer();
    const way = fixture.way();
    // The first is never read at its end.
    host.use = () => undefined;
    const stalled = await dialer.open(way, HOST_ID);
    stalled.on('error', () => undefined);
    host.use = (peer) => peer.pipe(peer);
    const flood = Buffer.alloc(64 * MiB);
    stalled.write(flood);
    await eventually(() => fixture.relay.tunnels.heldBytes >= 2 * MiB);
    const others = await Promise.all(Array.from({ length: 20 }, () => dialer.open(way, HOST_ID)));
    const bytes = randomBytes(2 * MiB);
    const answers = await Promise.all(
      others.map((stream) => {
        const answer = read(stream, bytes.length);
        stream.write(bytes);
        return answer;
      }),
    );
    expect(answers.every((answer) => answer.equals(bytes))).toBe(true);
    // What the stalled one may hold: a window towards the relay, and what was handed on.
    expect(fixture.relay.tunnels.heldBytes).toBeLessThan(10 * MiB);
    expect(fixture.relay.peers.connections).toBeGreaterThanOrEqual(2);
    // Bounded in time too: nobody takes what is held.
    await fixture.pass(65_000);
    await eventually(() => stalled.destroyed);
  });

  it('asks for bulk connections when they are wanted, and lets them go when they idle', async () => {
    const host = await fixture.attach();
    expect([host.open('control'), host.open('bulk')]).toEqual([1, 0]);
    const stream = await (await fixture.dialer()).open(fixture.way(), HOST_ID);
    expect([host.open('control'), host.open('bulk')]).toEqual([1, 1]);
    stream.destroy();
    await eventually(() => fixture.relay.tunnels.count === 0);
    await fixture.pass(IDLE_BULK_MS_MAX / 2);
    expect(host.open('bulk')).toBe(1);
    await fixture.pass(IDLE_BULK_MS_MAX / 2);
    await eventually(() => host.open('bulk') === 0);
    expect(host.open('control')).toBe(1);
    await (await fixture.dialer()).open(fixture.way(), HOST_ID);
    expect(host.open('bulk')).toBe(1);
  });

  it('opens no more than three bulk connections, however many streams there are', async () => {
    const host = await fixture.attach();
    const dialer = await fixture.dialer();
    const way = fixture.way();
    const placed = (bulk: number) => eventually(() => fixture.relay.peers.find(HOST_ID)?.connections === bulk + 1);
    // The next one is asked for when all that the relay knows are busy, however long it takes to come.
    for (const bulk of [2, 3]) {
      for (let i = 0; i < 20; i++) await dialer.open(way, HOST_ID);
      await placed(bulk);
    }
    await host.dial('bulk');
    await eventually(() => host.goodbyes.includes('relay_full'));
    expect(host.open('bulk')).toBe(3);
  });
});

describe('an end', () => {
  it('of a host that is dead without a word is noticed within 30 s', async () => {
    const host = await fixture.attach();
    const stream = await (await fixture.dialer()).open(fixture.way(), HOST_ID);
    stream.on('error', () => undefined);
    host.isFrozen = true;
    await fixture.pass(PING_NOTICED_MS);
    await eventually(() => fixture.relay.peers.count === 0);
    await eventually(() => stream.destroyed);
  });

  it('of the relay closes the streams at both ends', async () => {
    const host = await fixture.attach();
    const stream = await (await fixture.dialer()).open(fixture.way(), HOST_ID);
    stream.on('error', () => undefined);
    stream.write('word');
    await eventually(() => host.receivedBytes === 4);
    await fixture.relay.kill();
    await eventually(() => stream.destroyed && host.streams[0]!.destroyed);
    await eventually(() => host.open('control') === 0 && host.open('bulk') === 0);
  });

  it('of the host closes the stream of the client, and the other way round', async () => {
    const host = await fixture.attach();
    const dialer = await fixture.dialer();
    const [first, second] = [await dialer.open(fixture.way(), HOST_ID), await dialer.open(fixture.way(), HOST_ID)];
    first.on('error', () => undefined);
    host.streams[0]!.close(8);
    await eventually(() => first.destroyed);
    second.destroy();
    await eventually(() => host.streams[1]!.destroyed && fixture.relay.tunnels.count === 0);
  });

  it('of a stream that the host takes and ends in one go is the end of it for the client', async () => {
    const host = await fixture.attach();
    host.use = (stream) => stream.close(8);
    const dialer = await fixture.dialer();
    const way = fixture.way();
    // Of many at once, the answers and the ends that follow them come in the same reads.
    const opening = Array.from({ length: 30 }, () => dialer.open(way, HOST_ID).catch(() => null));
    const opened = await Promise.all(opening);
    await eventually(() => opened.every((stream) => stream === null || stream.destroyed));
    await fixture.relay.tunnels.idle();
  });

  it('of the bulk connections that is only announced leaves room for others', async () => {
    const host = await fixture.attach();
    const dialer = await fixture.dialer();
    const way = fixture.way();
    for (let i = 0; i < 3; i++) await host.dial('bulk');
    for (let i = 0; i < 3; i++) await dialer.open(way, HOST_ID);
    for (const { role, session } of host.sessions) if (role === 'bulk') session.close();
    let stream: Duplex | null = null;
    // Until the relay has heard of it, it may choose one of them.
    for (let tries = 0; stream === null && tries < 40; tries++) {
      await turns(10);
      stream = await dialer.open(way, HOST_ID).catch(() => null);
    }
    expect(stream).not.toBeNull();
    expect(host.open('bulk')).toBe(1);
    await eventually(() => fixture.relay.tunnels.count === 4);
  });

  it('of a connection just before something is asked on it means that the peer is unreachable', async () => {
    const host = await fixture.attach();
    await host.dial('bulk');
    await eventually(() => fixture.relay.peers.find(HOST_ID)?.connections === 2);
    const carrier = await fixture.relay.peers.find(HOST_ID)!.carrier();
    host.destroy();
    await eventually(() => !carrier.isOpen);
    const unreachable = expect.objectContaining({ code: 'peer_unreachable' });
    expect(() => carrier.request({ ':method': 'CONNECT', ':authority': HOST_ID })).toThrow(unreachable);
    await expect(carrier.say('/x', {}, emptyAnswer)).rejects.toEqual(unreachable);
  });

  it('that is asked for tells the broker first, then the peers, waits for streams, and reports what was moved', async () => {
    const host = await fixture.attach();
    const way = fixture.way();
    const stream = await (await fixture.dialer()).open(way, HOST_ID);
    const answer = read(stream, 1000);
    const stopped = fixture.relay.stop();
    await eventually(() => host.goodbyes.length > 0 && host.open('control') === 0);
    expect(fixture.broker.relayPresences.at(-1)).toMatchObject({ isEnding: true, peers: 1, streams: 1 });
    stream.end(Buffer.alloc(1000, 1));
    expect((await answer).length).toBe(1000);
    await stopped;
    expect(fixture.broker.relayUsage.get(way.lease)).toBe(2000);
  });
});

describe('what the broker hears and says', () => {
  it('usage by lease, in sums; presence with load; a drained relay takes no new peers', async () => {
    const host = await fixture.attach();
    const way = fixture.way();
    const dialer = await fixture.dialer();
    for (const sent of [1000, 500]) {
      const stream = await dialer.open(way, HOST_ID);
      const answer = read(stream, sent);
      stream.write(Buffer.alloc(sent));
      await answer;
      stream.destroy();
      await fixture.relay.triggers.usage();
    }
    expect([...fixture.broker.relayUsage]).toEqual([[way.lease, 3000]]);
    fixture.broker.drainsRelay = true;
    await fixture.relay.triggers.presence();
    expect(fixture.broker.relayPresences.at(-1)).toMatchObject({ address: '127.0.0.1', peers: 1, isEnding: false });
    const other = peerIdOf(3);
    const late = await fixture.attach(other);
    await eventually(() => late.goodbyes.includes('relay_full'));
    await host.dial('control');
    expect(fixture.relay.peers.count).toBe(1);
  });

  it('a serve lease is asked for again, and without another one the peer is let go at its end', async () => {
    const expiresAtMs = fixture.clock.nowMs() + 600_000;
    const host = await fixture.attach(HOST_ID, fixture.lease('serve', { expiresAtMs }));
    await fixture.pass(310_000);
    await eventually(() => host.attachments === 2);
    expect(fixture.relay.peers.count).toBe(1);
    await fixture.pass(700_000);
    await eventually(() => host.goodbyes.includes('lease_expired'));
    expect(fixture.clock.nowMs()).toBeGreaterThanOrEqual(expiresAtMs);
    await eventually(() => fixture.relay.peers.count === 0);
  });
});
