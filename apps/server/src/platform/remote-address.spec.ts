// Who asks: X-Forwarded-For is believed from trusted proxies alone, and only as far as they wrote it.
import { describe, expect, it } from 'vitest';
import { isRefusal } from '#protocol';
import { parsePolicy } from '../config/policy.js';
import { clientAddress, RemoteAddress, trustedBy } from './remote-address.js';
import { Settings } from './settings.js';

describe('clientAddress', () => {
  const isTrusted = trustedBy(['10.0.0.0/8', 'fd00::/8', '192.0.2.1/32']);

  it.each([
    ['without a header', '198.51.100.7', undefined, '198.51.100.7'],
    ['from a stranger', '198.51.100.7', '203.0.113.9', '198.51.100.7'],
    ['from a trusted proxy', '10.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['from one on an IPv6 socket', '::ffff:10.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['through two trusted proxies', 'fd00::1', '203.0.113.9, 192.0.2.1', '203.0.113.9'],
    ['with what the client made up before it', '10.0.0.1', '192.0.2.66, 203.0.113.9', '203.0.113.9'],
    ['with a trusted address made up before it', '10.0.0.1', '10.9.9.9, 203.0.113.9', '203.0.113.9'],
    ['from the proxy itself', '10.0.0.1', '', '10.0.0.1'],
    ['with nonsense at its end', '10.0.0.1', '203.0.113.9, unknown', '10.0.0.1'],
    ['with a port', '10.0.0.1', '203.0.113.9:4711', '203.0.113.9'],
    ['with an IPv6 address and a port', '10.0.0.1', '[2001:db8::9]:4711', '2001:db8::9'],
    ['of trusted addresses alone', '10.0.0.1', '10.0.0.2, 10.0.0.3', '10.0.0.2'],
  ])('%s', (_what, socket, header, client) => {
    expect(clientAddress(socket, header, isTrusted)).toBe(client);
  });
});

describe('the policy of trusted proxies', () => {
  it.each(['10.0.0.0/33', '10.0.0.0', 'fd00::/129', 'proxy.example/8', '10.0.0.0/8/8', ''])('refuses %j', (cidr) => {
    const parse = (): unknown => parsePolicy({ trustedProxies: [cidr] });
    expect(parse).toThrow();
    try {
      parse();
    } catch (error) {
      expect(isRefusal(error, 'policy_invalid')).toBe(true);
    }
  });

  it('tells where a connection comes from, whatever a header says, and nothing of one that a proxy made', () => {
    const settings = new Settings(parsePolicy({ trustedProxies: ['10.0.0.0/8'] }), 'test.example', 0, []);
    const remote = new RemoteAddress(settings);
    expect(remote.ofConnection({ ip: '::ffff:198.51.100.7' })).toBe('198.51.100.7');
    expect(remote.ofConnection({ ip: '::ffff:10.1.2.3' })).toBe(null);
  });

  it('counts networks, not addresses, of IPv6', () => {
    const settings = new Settings(parsePolicy({ trustedProxies: ['127.0.0.1/32'] }), 'test.example', 0, []);
    const remote = new RemoteAddress(settings);
    const request = { ip: '127.0.0.1', headers: { 'x-forwarded-for': '2001:db8:1:2:3::4' } };
    expect(remote.networkOf(request)).toBe('2001:db8:1:2::/64');
  });
});

describe('the address of the web pages', () => {
  it.each([
    'http://backup.example',
    'https://backup.example/',
    'https://u:p@backup.example',
    'https://backup.example/x',
    'backup',
  ])('refuses %j', (webUrl) => {
    expect(() => parsePolicy({ webUrl })).toThrow();
  });

  it('takes an origin', () => {
    expect(parsePolicy({ webUrl: 'https://backup.example:8443' }).webUrl).toBe('https://backup.example:8443');
  });
});
