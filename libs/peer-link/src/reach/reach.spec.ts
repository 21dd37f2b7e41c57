// "Reach peer X" over real TLS: LAN, direct and relay; the way that stands first is taken, told with its reason, and left
// for a better one when that is there again.
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PeerHome } from '#peer-home';
import { FakeClock, openLog } from '#process';
import { ALPN_SHARDS, type PeerAddress, ProtocolError, type RelayWay } from '#protocol';
import { TestAuthority } from '../../../../test/authority.js';
import { createHome, FIXTURE_TIME_MS, peerIdOf } from '../../../../test/peer-fixture.js';
import { TlsHost } from '../../../../test/tls-host.js';
import { HostPools } from '../host-pools.js';
import { DIRECT_HEAD_START_MS, DIRECT_REST_MS, ONLY_WAY_REST_MS } from '../limits.js';
import { HostWays, type LanWay } from './host-ways.js';
import { raceWays } from './race-ways.js';

const HOST = peerIdOf(2);
const RELAY = peerIdOf(50);
/** Nobody listens there. */
const CLOSED = { address: '127.0.0.1', port: 1 };

let authority: TestAuthority;
let home: PeerHome;
let host: TlsHost;
let clock: FakeClock;
let ways: HostWays;
let carried: number;
let relayRefuses: ProtocolError | null;
let neighbour: ReturnType<LanWay>;
const sockets: Socket[] = [];

beforeEach(async () => {
  authority = await TestAuthority.create();
  home = await createHome(authority);
  const identity = await authority.issue(HOST);
  const answer: TlsHost['options']['answer'] = (_request, response) => void response.end('ok');
  host = await TlsHost.start({ peerId: HOST, identity, caPem: authority.caPem, answer });
  clock = new FakeClock(FIXTURE_TIME_MS);
  [carried, relayRefuses, neighbour] = [0, null, null];
  const relays = {
    // A relay carries bytes, and whose they are is known at their ends.
    open: async (_way: Omit<RelayWay, 'isOnlyWay'>) => {
      if (relayRefuses !== null) throw relayRefuses;
      carried++;
      return connect(host.address.port, '127.0.0.1');
    },
  };
  ways = new HostWays({ clock, relays, lanWay: () => neighbour });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await host.stop();
});

const relayWay = (isOnlyWay = false): RelayWay => ({ relayId: RELAY, ...CLOSED, lease: 'a.b.c', isOnlyWay });
const at = (place: { address: string; port: number }, relay?: RelayWay): PeerAddress => ({
  peerId: HOST,
  ...place,
  ...(relay === undefined ? {} : { relay }),
});

async function reach(address: PeerAddress): Promise<string> {
  const { privateKeyPem, caPem } = home;
  const socket = await ways.open(address, {
    caPem,
    expected: { trustDomain: authority.trustDomain, subject: address.peerId },
    alpn: ALPN_SHARDS,
    own: () => ({ certificatePem: home.certificate().pem, privateKeyPem }),
    codes: { unreachable: 'peer_unreachable', untrusted: 'peer_untrusted' },
  });
  sockets.push(socket);
  const { way, reason } = ways.all.at(-1)!;
  return `${way} ${reason}`;
}
const refusal = (address: PeerAddress) =>
  reach(address).then(
    () => 'reached',
    ({ code, facts }: ProtocolError) => `${code} ${String(facts.reason)}`,
  );

describe('a peer', () => {
  it('is reached on the local network first, then directly, then through its relay', async () => {
    neighbour = host.address;
    expect(await reach(at(CLOSED, relayWay()))).toBe('lan neighbour');
    neighbour = CLOSED;
    clock.advance(1);
    expect(await reach(at(host.address, relayWay()))).toBe('direct direct_answers');
    expect(await reach(at(CLOSED, relayWay()))).toBe('relay direct_failed');
    expect(ways.all).toMatchObject([{ peerId: HOST, way: 'relay', relayId: RELAY, sinceMs: clock.nowMs() }]);
  });

  it('of whom the broker says so is reached through its relay alone, and directly now and then', async () => {
    expect(await reach(at(host.address, relayWay(true)))).toBe('relay only_way');
    clock.advance(ONLY_WAY_REST_MS);
    expect(await reach(at(host.address, relayWay(true)))).toBe('direct direct_answers');
  });

  it('that does not answer at once is reached through its relay after a short time, and a late answer is let go', async () => {
    let answerLate = (): void => undefined;
    const late = { destroyed: false, destroy: () => (late.destroyed = true) };
    const steps = [
      { way: 'direct', headStartMs: DIRECT_HEAD_START_MS },
      { way: 'relay', headStartMs: 0 },
    ] as const;
    const open = (way: string) =>
      way === 'relay'
        ? Promise.resolve({ destroy: () => undefined })
        : new Promise<{ destroy(): void }>((resolve) => {
            answerLate = () => resolve(late);
          });
    const racing = raceWays(steps, open, clock);
    clock.advance(DIRECT_HEAD_START_MS);
    expect(await racing).toMatchObject({ way: 'relay', tried: ['direct', 'relay'], failed: [] });
    answerLate();
    await expect.poll(() => late.destroyed).toBe(true);
  });

  it('is not reached by somebody else who answers in its place, whatever way leads there', async () => {
    const stranger = at(host.address, relayWay());
    expect(await refusal({ ...stranger, peerId: peerIdOf(9) })).toMatch(/^peer_untrusted/);
    relayRefuses = new ProtocolError('lease_expired');
    expect(await refusal({ ...stranger, peerId: peerIdOf(8) })).toMatch(/^peer_untrusted/);
    expect(await refusal(at(CLOSED, relayWay()))).toBe('peer_unreachable lease_expired');
    expect(await refusal(at(CLOSED))).toBe('peer_unreachable ECONNREFUSED');
  });

  it('is tried directly again after a while, and not before', async () => {
    expect(await reach(at(CLOSED, relayWay()))).toBe('relay direct_failed');
    const since = clock.nowMs();
    clock.advance(DIRECT_REST_MS - 1);
    const moved = at(host.address, relayWay());
    expect(ways.looksUpward(moved)).toBe(false);
    expect(await reach(moved)).toBe('relay direct_failed');
    expect(ways.all[0]!.sinceMs).toBe(since);
    clock.advance(1);
    expect([ways.looksUpward(moved), ways.looksUpward(moved)]).toEqual([true, false]);
    expect(await reach(moved)).toBe('direct direct_answers');
    expect(carried).toBe(2);
  });
});

describe('a pool of connections', () => {
  it('is made anew for a better way, and learns a new lease without that', () => {
    const { caPem, privateKeyPem } = home;
    const own = () => ({ certificatePem: home.certificate().pem, privateKeyPem });
    const identity = { caPem, trustDomain: authority.trustDomain, own };
    const pools = new HostPools({ identity, clock, log: openLog('test', 'silent') });
    const first = pools.to(at(CLOSED, relayWay()));
    const again = pools.to(at(CLOSED, { ...relayWay(), lease: 'd.e.f' }));
    expect(again).toBe(first);
    expect(first.host.relay?.lease).toBe('d.e.f');
    expect(pools.to(at({ ...CLOSED, port: 2 }))).not.toBe(first);
    return pools.close();
  });
});
