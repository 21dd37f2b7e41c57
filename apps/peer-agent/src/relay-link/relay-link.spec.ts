// A host behind a firewall keeps itself attached to a relay (F1, F5), and serves whoever the relay carries to it as on its port.
import { randomBytes } from 'node:crypto';
import { type IncomingMessage, request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectTrusted } from '#peer-home';
import { CODE_HEADER, PING_NOTICED_MS } from '#peer-link';
import {
  ALPN_SHARDS,
  contentIdOf,
  formatTime,
  type PeerId,
  ProtocolError,
  type RelayAttachmentRequest,
} from '#protocol';
import { AgentFixture, CLIENT_ID, HOST_ID, pathOf } from '../../../../test/agent-fixture.js';
import { peerIdOf } from '../../../../test/peer-fixture.js';
import { ScriptedRelay } from '../../../../test/scripted-relay.js';
import { RELAY_BACKOFF_MS_MAX, RELAY_DIRECT_MS, RELAY_LOST_MS_MAX, RELAY_USELESS_MS_MIN } from '../limits.js';
import { readRelayState } from './relay-state.js';

const HOUR_MS = 3_600_000;

let fixture: AgentFixture;
let relays: ScriptedRelay[];
let asked: RelayAttachmentRequest[];

/** The first of the relays that is not avoided, as the broker would say. */
function nameRelays(): void {
  fixture.broker.relayFor = (request) => {
    asked.push(request);
    const relay = relays.find(({ relayId }) => !request.avoid.includes(relayId));
    if (relay === undefined) throw new ProtocolError('relay_unavailable');
    const { relayId, port } = relay;
    const place = { relayId, address: '127.0.0.1', port };
    return { ...place, lease: `lease-${asked.length}`, expiresAt: formatTime(fixture.clock.nowMs() + HOUR_MS) };
  };
}

async function startWith(relay: 'auto' | 'always' | 'never'): Promise<void> {
  await fixture.agent.stop();
  fixture.settings = { relay };
  await fixture.restart();
}

/** Twice, for the first may join a run that began before. */
const presence = async (): Promise<void> => {
  for (let i = 0; i < 2; i++) await fixture.agent.triggers.presence();
};
const look = async (): Promise<void> => {
  for (let i = 0; i < 2; i++) await fixture.agent.triggers.relay();
};
const offered = (): PeerId | undefined => fixture.broker.presences.at(-1)?.host?.relayId;
const stateOf = () => fixture.read(readRelayState);

beforeEach(async () => {
  fixture = await AgentFixture.start();
  asked = [];
  relays = [await ScriptedRelay.start(fixture.authority, peerIdOf(50))];
  nameRelays();
});
afterEach(async () => {
  await fixture.stop();
  for (const relay of relays) await relay.kill();
});

/** GET of a shard over a stream of the relay, the peers' own TLS inside. */
async function getThrough(relay: ScriptedRelay, bytes: Uint8Array): Promise<Buffer> {
  const { stream } = await relay.open(HOST_ID, { from: CLIENT_ID });
  const { authority, client } = fixture;
  const socket = await connectTrusted(
    {
      caPem: authority.caPem,
      expected: { trustDomain: authority.trustDomain, subject: HOST_ID },
      alpn: ALPN_SHARDS,
      own: () => client,
      codes: { unreachable: 'peer_unreachable', untrusted: 'peer_untrusted' },
      dial: async () => stream,
    },
    { host: '127.0.0.1', port: 1 },
  );
  const token = fixture.token('get', bytes);
  const headers = { authorization: `Peerkeep ${token}` };
  const asked = request({ createConnection: () => socket, path: pathOf(contentIdOf(bytes)), headers });
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    asked.once('response', resolve);
    asked.once('error', reject);
    asked.end();
  });
  const pieces: Buffer[] = [];
  for await (const piece of answer) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

describe('a host that needs a relay', () => {
  it('dials out, shows its lease, and names the relay in its offer', async () => {
    await startWith('always');
    await look();
    const [relay] = relays as [ScriptedRelay];
    expect(relay.attached.map(({ peerId, answer }) => [peerId, answer])).toEqual([
      [HOST_ID, { lease: 'lease-1', role: 'control' }],
    ]);
    expect(asked).toEqual([{ avoid: [], stayWith: null, web: false }]);
    await presence();
    expect(offered()).toBe(relay.relayId);
    expect(await stateOf()).toMatchObject({ isWanted: true, reason: 'always', attached: 1, failures: 0 });
  });

  it('serves a peer over a stream as on its port: its own TLS end to end, its own token', async () => {
    const shard = randomBytes(3_000_000);
    await startWith('always');
    await fixture.outliveStart();
    expect((await fixture.put(shard)).status).toBe(201);
    await look();
    const [relay] = relays as [ScriptedRelay];
    expect((await relay.askBulk(1)).status).toBe(200);
    await relay.whenAttached('bulk', 1);
    expect((await getThrough(relay, shard)).equals(shard)).toBe(true);
  });

  it('opens bulk connections as the relay asks, and none above the bound', async () => {
    await startWith('always');
    await look();
    const [relay] = relays as [ScriptedRelay];
    await relay.askBulk(2);
    await relay.whenAttached('bulk', 2);
    await relay.askBulk(3);
    await relay.whenAttached('bulk', 3);
    await relay.askBulk(3);
    expect(await relay.askAgain()).toMatchObject({ role: 'control' });
    expect(relay.connections).toBe(4);
  });

  it('carries nothing on its control connection, for another peer, or before it is attached', async () => {
    await startWith('always');
    await look();
    const [relay] = relays as [ScriptedRelay];
    await relay.askBulk(1);
    await relay.whenAttached('bulk', 1);
    const refused = async (call: ReturnType<ScriptedRelay['open']>) => (await call).answer.headers[CODE_HEADER];
    expect(await refused(relay.open(HOST_ID, { role: 'control' }))).toBe('route_unknown');
    expect(await refused(relay.open(CLIENT_ID))).toBe('lease_wrong_peer');
    expect((await relay.askBulk(1, 'bulk')).headers[CODE_HEADER]).toBe('route_unknown');
    const { session } = relay.standing('bulk')[0]!;
    expect((await relay.post(session, '/attachment', { relayId: CLIENT_ID })).headers[CODE_HEADER]).toBe(
      'lease_wrong_relay',
    );
    expect((await relay.post(session, '/attachment', { relayId: relay.relayId, more: 'x'.repeat(9_000) })).status).toBe(
      413,
    );
  });

  it('shows a later lease when the relay asks again', async () => {
    await startWith('always');
    await look();
    const [relay] = relays as [ScriptedRelay];
    fixture.clock.advance(HOUR_MS / 2 - 60_000);
    await look();
    expect((await relay.askAgain()).lease).toBe('lease-1');
    fixture.clock.advance(120_000);
    await look();
    expect(asked.at(-1)).toMatchObject({ stayWith: relay.relayId });
    expect((await relay.askAgain()).lease).toBe('lease-2');
    expect(relay.standing('control')).toHaveLength(1);
  });

  it('moves when the broker names another, and is reached all the time', async () => {
    await startWith('always');
    await look();
    const [old] = relays as [ScriptedRelay];
    relays.unshift(await ScriptedRelay.start(fixture.authority, peerIdOf(51)));
    fixture.clock.advance(HOUR_MS / 2 + 60_000);
    await look();
    await presence();
    expect(offered()).toBe(peerIdOf(51));
    expect(relays[0]!.standing('control')).toHaveLength(1);
    await expect.poll(() => old.connections).toBe(0);
  });
});

describe('a relay that is gone', () => {
  it('is replaced by another within seconds, and avoided', async () => {
    relays.push(await ScriptedRelay.start(fixture.authority, peerIdOf(51)));
    await startWith('always');
    await look();
    await relays[0]!.kill();
    await expect.poll(async () => (await stateOf()).lost).toBe(1);
    fixture.clock.advance(RELAY_LOST_MS_MAX);
    await look();
    expect(asked.at(-1)).toEqual({ avoid: [peerIdOf(50)], stayWith: null, web: false });
    await presence();
    expect(offered()).toBe(peerIdOf(51));
    expect(await stateOf()).toMatchObject({ relay: { relayId: peerIdOf(51) }, lost: 1, attached: 2 });
  });

  it('that says goodbye is left at once, and what it carries comes to its end', async () => {
    relays.push(await ScriptedRelay.start(fixture.authority, peerIdOf(51)));
    await startWith('always');
    await look();
    const [old] = relays as [ScriptedRelay];
    await old.askBulk(1);
    await old.whenAttached('bulk', 1);
    const { stream } = await old.open(HOST_ID);
    old.standing('control')[0]!.session.close();
    await expect.poll(async () => (await stateOf()).lost).toBe(1);
    fixture.clock.advance(RELAY_LOST_MS_MAX);
    await look();
    expect(await stateOf()).toMatchObject({ relay: { relayId: peerIdOf(51) } });
    expect(stream.destroyed).toBe(false);
    stream.destroy();
    await expect.poll(() => old.connections).toBe(0);
  });

  it('is noticed when it only falls silent', async () => {
    await startWith('always');
    await look();
    const [relay] = relays as [ScriptedRelay];
    relay.fallSilent();
    for (let ms = 0; ms < PING_NOTICED_MS; ms += 10_000) {
      fixture.clock.advance(10_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await expect.poll(async () => (await stateOf()).lost).toBe(1);
  });

  it('that asks nothing counts as a failure, told with its code, and others are tried', async () => {
    relays[0]!.isSilent = true;
    await startWith('always');
    const looking = look();
    await expect.poll(() => relays[0]!.connections).toBe(1);
    fixture.clock.advance(10_000);
    await looking;
    expect(await stateOf()).toMatchObject({ relay: null, failures: 1, code: 'peer_unreachable' });
    relays.push(await ScriptedRelay.start(fixture.authority, peerIdOf(51)));
    fixture.clock.advance(RELAY_BACKOFF_MS_MAX);
    await look();
    expect(await stateOf()).toMatchObject({ relay: { relayId: peerIdOf(51) }, failures: 0, code: null });
  });

  it('is tried again when there is no other, and while the broker is away', async () => {
    await startWith('always');
    await look();
    const [relay] = relays as [ScriptedRelay];
    const drop = async (times: number) => {
      for (const { session } of relay.standing('control')) session.destroy();
      await expect.poll(async () => (await stateOf()).lost).toBe(times);
      fixture.clock.advance(RELAY_BACKOFF_MS_MAX);
      await look();
    };
    await drop(1);
    expect(await stateOf()).toMatchObject({ relay: null, code: 'relay_unavailable' });
    fixture.clock.advance(RELAY_BACKOFF_MS_MAX);
    await look();
    expect(await stateOf()).toMatchObject({ relay: { relayId: relay.relayId }, attached: 2 });
    fixture.broker.isDown = true;
    await drop(2);
    expect(await stateOf()).toMatchObject({ relay: { relayId: relay.relayId }, attached: 3 });
    fixture.broker.isDown = false;
  });
});

describe('a relay through which the broker does not reach the peer', () => {
  /** The broker says so, and says so still when this long has passed. */
  async function unreachedFor(ms: number): Promise<void> {
    await presence();
    fixture.clock.advance(ms);
    await presence();
    await look();
  }

  it('is replaced by another after a minute, though it is there', async () => {
    relays.push(await ScriptedRelay.start(fixture.authority, peerIdOf(51)));
    await startWith('always');
    await look();
    fixture.broker.reached = { reachable: false, direct: false };
    await unreachedFor(RELAY_USELESS_MS_MIN - 1);
    expect(asked).toHaveLength(1);
    fixture.clock.advance(1);
    await presence();
    await look();
    expect(asked.at(-1)).toEqual({ avoid: [peerIdOf(50)], stayWith: null, web: false });
    expect(relays[1]!.standing('control')).toHaveLength(1);
    await presence();
    expect(offered()).toBe(peerIdOf(51));
    expect(await stateOf()).toMatchObject({ relay: { relayId: peerIdOf(51) }, lost: 0, attached: 2 });
  });

  it('is kept where there is no other, which is looked for again, later and later', async () => {
    await startWith('always');
    await look();
    const [relay] = relays as [ScriptedRelay];
    fixture.broker.reached = { reachable: false, direct: false };
    await unreachedFor(RELAY_USELESS_MS_MIN);
    expect(await stateOf()).toMatchObject({ relay: { relayId: relay.relayId }, code: 'relay_unavailable' });
    expect(relay.standing('control')).toHaveLength(1);
    relays.push(await ScriptedRelay.start(fixture.authority, peerIdOf(51)));
    await unreachedFor(2 * RELAY_USELESS_MS_MIN - 1);
    expect(asked).toHaveLength(2);
    await unreachedFor(1);
    expect(await stateOf()).toMatchObject({ relay: { relayId: peerIdOf(51) }, failures: 0, code: null });
  });
});

describe('a host that says auto', () => {
  it('has a relay while the broker does not reach it, also after a restart, and leaves it when that has passed', async () => {
    await startWith('auto');
    await look();
    expect(asked).toEqual([]);
    fixture.broker.reached = { reachable: false, direct: null };
    await presence();
    await look();
    const [relay] = relays as [ScriptedRelay];
    expect(relay.standing('control')).toHaveLength(1);
    fixture.broker.reached = { reachable: true, direct: false };
    await presence();
    fixture.clock.advance(2 * RELAY_DIRECT_MS);
    await look();
    expect(await stateOf()).toMatchObject({ reason: 'not_reachable', relay: { relayId: relay.relayId } });
    await startWith('auto');
    await look();
    expect(relay.standing('control')).toHaveLength(1);
    await presence();
    fixture.broker.reached = { reachable: true, direct: true };
    await presence();
    fixture.clock.advance(RELAY_DIRECT_MS - 1);
    await look();
    expect(await stateOf()).toMatchObject({ reason: 'perhaps_reachable', relay: { relayId: relay.relayId } });
    fixture.clock.advance(1);
    await look();
    await presence();
    expect(offered()).toBeUndefined();
    expect(await stateOf()).toMatchObject({ isWanted: false, reason: 'reachable', relay: null });
    await expect.poll(() => relay.connections).toBe(0);
  });

  it('ends what it carries when it stops, and tells the broker that it is gone', async () => {
    await startWith('always');
    await look();
    const [relay] = relays as [ScriptedRelay];
    await relay.askBulk(1);
    await relay.whenAttached('bulk', 1);
    const { stream } = await relay.open(HOST_ID);
    const ended = new Promise((resolve) => stream.once('close', resolve));
    await fixture.agent.stop();
    await ended;
    expect(fixture.broker.presences.at(-1)?.host).toBeNull();
    await expect.poll(() => relay.connections).toBe(0);
    await fixture.restart();
  });
});
