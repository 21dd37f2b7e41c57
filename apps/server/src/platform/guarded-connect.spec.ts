// SSRF: spellings of addresses that are no host on the Internet, said wherever a peer can say one. Nothing is connected to.
import { lookup } from 'node:dns';
import { type AddressInfo, connect, createServer, isIP, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parsePolicy } from '../config/policy.js';
import { plainAddress } from '../presence/judge-address.js';
import { BrokerFixture } from '../testing/broker-fixture.js';
import { TestPeer } from '../testing/test-peer.js';
import { GuardedConnect, isAllowedTarget } from './guarded-connect.js';
import { Settings } from './settings.js';

/** IPv4 networks that are not for hosts on the Internet (RFC 6890 and its registry), by one address each. */
const SPECIAL_V4 = [
  '127.0.0.1',
  '127.1.2.3',
  '0.0.0.0',
  '10.0.0.1',
  '100.64.0.1',
  '169.254.169.254',
  '172.16.0.1',
  '192.0.0.1',
  '192.0.2.1',
  '192.88.99.1',
  '192.168.0.1',
  '198.18.0.1',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
];
const SPECIAL_V6 = [
  '::',
  '::1',
  '0:0:0:0:0:0:0:1',
  '0000:0000:0000:0000:0000:0000:0000:0001',
  '::0001',
  '[::1]',
  '::1%lo',
  '::1%1',
  '0::1',
  '::0:1',
  'fe80::1',
  'fe80::1%lo',
  'fe80::1%eth0',
  'febf::1',
  'fec0::1',
  'fc00::1',
  'fd12:3456:789a::1',
  'ff02::1',
  'ff0e::1',
  '100::1',
  '2001::1',
  '2001:0:7f00:1::',
  '2001:10::1',
  '2001:20::1',
  '2001:db8::1',
  '2002:7f00:1::',
  '3fff::1',
  '5f00::1',
  '4000::1',
  '64:ff9b:1::7f00:1',
];
const NAMES = [
  'localhost',
  'LOCALHOST',
  'localhost.',
  'localhost.localdomain',
  'ip6-localhost',
  'broker.local',
  'rebinding.example',
  'user@127.0.0.1',
  'user:pass@127.0.0.1',
  'example.com@127.0.0.1',
  '127.0.0.1#example.com',
  '127.0.0.1/example.com',
  '127.0.0.1?x',
  '127.0.0.1:80',
  '127.0.0.1\u0000',
  '127.0.0.1 ',
  ' 127.0.0.1',
  '\t127.0.0.1',
  '127.0.0.1\r\nHost: x',
  '',
  '.',
  '%',
  '//127.0.0.1',
  'http://127.0.0.1',
];

/** Every way in which one IPv4 address is written somewhere. */
function spellingsOf(address: string): string[] {
  const bytes = address.split('.').map(Number) as [number, number, number, number];
  const number = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, '0'));
  const words = `${hex[0]}${hex[1]}:${hex[2]}${hex[3]}`;
  const [a, b, c, d] = bytes;
  return [
    address,
    String(number),
    `0x${hex.join('')}`,
    `0${number.toString(8)}`,
    bytes.map((byte) => `0${byte.toString(8)}`).join('.'),
    bytes.map((byte) => `0x${byte.toString(16)}`).join('.'),
    `${a}.${b * 65_536 + c * 256 + d}`,
    `${a}.${b}.${c * 256 + d}`,
    `${address}.`,
    address.replace(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit))),
    address.replaceAll('.', '\u3002'),
    address.replace(/\d/g, (digit) => `%3${digit}`),
    `::ffff:${address}`,
    `::FFFF:${words}`,
    `::${address}`,
    `::ffff:0:${address}`,
    `64:ff9b::${words}`,
    `2002:${words}::`,
  ];
}

const SPELLINGS = [...new Set([...SPECIAL_V4.flatMap(spellingsOf), ...SPECIAL_V6, ...NAMES])];

/** Counts who connects, on every loopback address that the spellings lead to. */
class Trap {
  connections = 0;
  private readonly servers: Server[] = [];

  static async open(): Promise<Trap> {
    const trap = new Trap();
    const port = await trap.listen('127.0.0.1', 0);
    for (const address of ['127.1.2.3', '::1']) await trap.listen(address, port);
    return trap;
  }

  get port(): number {
    return (this.servers[0]!.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const server of this.servers) await new Promise((resolve) => server.close(resolve));
  }

  private async listen(address: string, port: number): Promise<number> {
    const server = createServer((socket) => {
      this.connections++;
      socket.destroy();
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, address, resolve);
    });
    this.servers.push(server);
    return (server.address() as AddressInfo).port;
  }
}

const guardThatAllows = (ranges: ConstructorParameters<typeof Settings>[3]): GuardedConnect =>
  new GuardedConnect(new Settings(parsePolicy({}), 'test.example', 0, ranges));

let trap: Trap;
beforeAll(async () => {
  trap = await Trap.open();
});
afterAll(() => trap.close());

describe('the guard', () => {
  it(`connects to none of the spellings, and has something to refuse: without it they arrive`, async () => {
    const guard = guardThatAllows([]);
    for (const spelling of SPELLINGS) {
      await expect(guard.dial(plainAddress(spelling), trap.port), spelling).rejects.toMatchObject({
        code: 'host_address_refused',
      });
    }
    expect(trap.connections).toBe(0);
    const arrived = [];
    for (const host of SPELLINGS) if (await arrives(host, trap.port)) arrived.push(host);
    console.log(`spellings: ${SPELLINGS.length}; connections with the guard: 0, without it: ${arrived.length}`);
    expect(SPELLINGS.length).toBeGreaterThanOrEqual(300);
    expect(arrived.length).toBeGreaterThanOrEqual(10);
  });

  it('connects to an address in a range that the policy allows, and to that address', async () => {
    const before = trap.connections;
    const socket = await guardThatAllows(['loopback']).dial('127.0.0.1', trap.port);
    expect(socket.remoteAddress).toBe('127.0.0.1');
    await new Promise((resolve) => socket.once('close', resolve).resume());
    expect(trap.connections).toBe(before + 1);
  });

  it('judges once more where the connection led to', async () => {
    // A policy that is asked twice and says something else the second time: as an address whose judgement changes.
    const ranges: ('loopback' | 'private')[] = ['loopback'];
    const guard = guardThatAllows(ranges);
    const dialled = guard.dial('127.0.0.1', trap.port);
    ranges.pop();
    await expect(dialled).rejects.toMatchObject({ code: 'host_address_refused' });
  });

  it.each([
    [0, false],
    [22, false],
    [1_023, false],
    [443, true],
    [1_024, true],
    [65_535, true],
    [65_536, false],
    [80.5, false],
    [-1, false],
    [Number.NaN, false],
  ])('port %s: %s', (port, allowed) => {
    const rules = { allowed: [], ownPort: null, ownAddresses: [] };
    expect(isAllowedTarget({ address: '8.8.8.8', port }, rules)).toBe(allowed);
  });

  it('does not connect to the broker itself', () => {
    const guard = guardThatAllows(['loopback']);
    guard.listensAt('127.0.0.1', 8_443);
    expect(guard.allows({ address: '127.0.0.1', port: 8_443 })).toBe(false);
    expect(guard.allows({ address: '127.0.0.1', port: 8_444 })).toBe(true);
  });
});

describe('a peer', () => {
  it('cannot have the broker connect anywhere by what it says in a presence message', {
    timeout: 180_000,
  }, async () => {
    // The broker believes no header and allows no special range, so that a peer on loopback is no host.
    const fixture = await BrokerFixture.start({ probeHosts: true, hostAddressRanges: [] });
    const peer = await TestPeer.enrol(fixture);
    const before = trap.connections;
    const offer = { listenPort: trap.port, shareBytes: 1, usedBytes: 0, freeBytes: 1 };
    const codes = new Map<string, number>();
    const sayEverywhere = async (spelling: string): Promise<void> => {
      for (const host of [
        { ...offer, address: spelling },
        { ...offer, listenPort: spelling },
      ]) {
        const { code = 'taken' } = await peer.post('/v1/presence', { host, program: 'test' });
        codes.set(code, (codes.get(code) ?? 0) + 1);
      }
      const { body } = await peer.announceVia(trap.port, headersThatClaim(spelling));
      expect(body.address, spelling).toBe(null);
    };
    for (let first = 0; first < SPELLINGS.length; first += 16) {
      await Promise.all(SPELLINGS.slice(first, first + 16).map(sayEverywhere));
    }
    await fixture.broker.probeHostsNow();
    expect([...codes.keys()]).toEqual(['request_invalid']);
    expect(trap.connections).toBe(before);
    await fixture.remove();
  });

  it('behind a trusted proxy has no address: what the proxy tells is not probed', async () => {
    const fixture = await BrokerFixture.start({ probeHosts: true, trustedProxies: ['127.0.0.1/32'] });
    const peer = await TestPeer.enrol(fixture);
    const before = trap.connections;
    for (const claimed of ['127.0.0.1', '8.8.8.8']) {
      const { body } = await peer.announceVia(trap.port, headersThatClaim(claimed));
      expect(body).toMatchObject({ address: null, reachable: null });
    }
    await fixture.broker.probeHostsNow();
    expect(trap.connections).toBe(before);
    await fixture.remove();
  });

  it('on loopback is probed where the policy allows it: the trap would have counted', async () => {
    const fixture = await BrokerFixture.start({ probeHosts: true });
    const peer = await TestPeer.enrol(fixture);
    const before = trap.connections;
    const { body } = await peer.announceVia(trap.port, headersThatClaim('8.8.8.8'));
    expect(body).toMatchObject({ address: { address: '127.0.0.1' }, reachable: false });
    expect(trap.connections).toBe(before + 1);
    await fixture.remove();
  });
});

/** Headers in which proxies say who asks; what no header can carry is left out. */
function headersThatClaim(address: string): Record<string, string> {
  if (!/^[\x21-\x7e]+$/.test(address)) return {};
  return {
    'x-forwarded-for': address,
    'x-real-ip': address,
    forwarded: `for="${address.replaceAll('"', '')}"`,
    'x-client-ip': address,
    'true-client-ip': address,
    'cf-connecting-ip': address,
  };
}

/** Does a connection without the guard, as Node makes it, reach the trap? */
function arrives(host: string, port: number): Promise<boolean> {
  // Names that would ask a name server are left out: the negative control stays on this machine.
  const bare = host.replace(/^\[|\]$/g, '');
  const looksLocal = isIP(bare) !== 0 ? /^(::|0|127)/i.test(bare) : /^[0-9a-fx.]+$/i.test(bare) || bare === 'localhost';
  if (!looksLocal || bare === '') return Promise.resolve(false);
  return new Promise((resolve) => {
    lookup(bare, (error, address) => {
      if (error !== null || !/^(127\.|::1$|0\.0\.0\.0$|::$)/.test(address)) return resolve(false);
      const socket = connect({ host: address, port });
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
  });
}
