// The addresses of one subscriber count as one source, however they are written.
import type { ExecutionContext } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '#process';
import { isRefusal } from '#protocol';
import { parsePolicy } from '../config/policy.js';
import { RemoteAddress } from '../platform/remote-address.js';
import { Settings } from '../platform/settings.js';
import { EnrolmentRateGuard } from './enrolment-rate.guard.js';
import { networkOf, siteOf } from './network-of.js';
import { NetworkRates } from './network-rates.js';

describe('networkOf', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0db8:0001:0002::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['2001:db8:1:2:3:4:192.0.2.7', '2001:db8:1:2::/64'],
    ['64:ff9b::192.0.2.7', '64:ff9b:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ])('%s is of %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});

describe('siteOf', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2::3', '2001:db8:1::/48'],
    ['2001:db8::', '2001:db8:0::/48'],
    ['::1', '0:0:0::/48'],
    ['no address', 'no address'],
  ])('%s is of %s', (address, site) => {
    expect(siteOf(networkOf(address))).toBe(site);
  });
});

describe('NetworkRates', () => {
  it('let one site with many networks take no place of others', () => {
    const rates = new NetworkRates(2, 2, 3);
    const codeFor = (address: string, atMs = 0): string => {
      try {
        rates.count(networkOf(address), atMs);
      } catch (error) {
        if (isRefusal(error)) return error.code;
        throw error;
      }
      return 'passed';
    };
    expect([0, 1, 2, 3].map((i) => codeFor(`2001:db8:0:${i}::1`))).toEqual([
      ...Array<string>(3).fill('passed'),
      'rate_exceeded',
    ]);
    expect(['192.0.2.1', '192.0.2.1', '192.0.2.1', '192.0.2.2'].map((address) => codeFor(address))).toEqual([
      'passed',
      'passed',
      'rate_exceeded',
      'overloaded',
    ]);
    expect(codeFor('192.0.2.2', 60_000)).toBe('passed');
  });
});

describe('the bound of enrolments', () => {
  it('is for the network of an IPv6 address, and for each IPv4 address', () => {
    const settings = new Settings(parsePolicy({ enrolmentsPerMinute: 2 }), 'test.example', 0, []);
    const guard = new EnrolmentRateGuard(new FakeClock(0), settings, new RemoteAddress(settings));
    const codeFor = (ip: string): string => {
      const context = {
        switchToHttp: () => ({ getRequest: () => ({ ip, headers: {} }) }),
      } as unknown as ExecutionContext;
      try {
        guard.canActivate(context);
      } catch (error) {
        if (isRefusal(error)) return error.code;
        throw error;
      }
      return 'passed';
    };
    const addresses = [
      '2001:db8::1',
      '2001:db8::2',
      '2001:db8::ffff:1:1:1',
      '2001:db8:0:1::1',
      '192.0.2.1',
      '192.0.2.2',
    ];
    expect(addresses.map(codeFor)).toEqual(['passed', 'passed', 'rate_exceeded', 'passed', 'passed', 'passed']);
  });
});
