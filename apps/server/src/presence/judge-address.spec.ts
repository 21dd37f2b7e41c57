// Which addresses are handed out: the forms in which a special address hides are special too.
import { describe, expect, it } from 'vitest';
import { isHostAddress, plainAddress, rangeOf, rangesAround } from './judge-address.js';

describe('rangeOf', () => {
  it.each([
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['::1', 'loopback'],
    ['10.1.2.3', 'private'],
    ['172.31.0.1', 'private'],
    ['172.32.0.1', 'public'],
    ['192.168.1.1', 'private'],
    ['100.64.0.1', 'private'],
    ['fd00::1', 'private'],
    ['169.254.169.254', 'link-local'],
    ['fe80::1', 'link-local'],
    ['0.0.0.0', 'special'],
    ['255.255.255.255', 'special'],
    ['224.0.0.1', 'special'],
    ['192.0.2.1', 'special'],
    ['64:ff9b::7f00:1', 'special'],
    ['2002:7f00:1::', 'special'],
    ['2001:db8::1', 'special'],
    ['::', 'special'],
    ['::7f00:1', 'special'],
    ['::ffff:7f00:1', 'special'],
    ['::ffff:0:127.0.0.1', 'special'],
    ['3fff::1', 'special'],
    ['fec0::1', 'special'],
    ['fe80::1%lo', null],
    ['8.8.8.8', 'public'],
    ['2606:4700::1111', 'public'],
    ['2130706433', null],
    ['0x7f.1', null],
    ['localhost', null],
    ['', null],
  ])('%s is %s', (address, range) => {
    expect(rangeOf(address)).toBe(range);
  });
});

describe('isHostAddress', () => {
  it('takes public addresses always, special ranges only when allowed, and the worst never', () => {
    expect(isHostAddress('8.8.8.8', [])).toBe(true);
    expect(isHostAddress('127.0.0.1', [])).toBe(false);
    expect(isHostAddress('127.0.0.1', ['loopback'])).toBe(true);
    expect(isHostAddress('192.168.1.1', ['loopback'])).toBe(false);
    expect(isHostAddress('0.0.0.0', ['loopback', 'private', 'link-local'])).toBe(false);
    expect(isHostAddress('nonsense', ['loopback', 'private', 'link-local'])).toBe(false);
  });

  it('sees an IPv4 address through its IPv6 form', () => {
    expect(plainAddress('::ffff:127.0.0.1')).toBe('127.0.0.1');
    expect(isHostAddress(plainAddress('::ffff:10.0.0.1'), [])).toBe(false);
    expect(plainAddress('2001:4860::1')).toBe('2001:4860::1');
  });
});

describe('rangesAround', () => {
  it.each([
    ['127.0.0.1', ['loopback']],
    ['localhost', ['loopback']],
    ['192.168.1.5', ['loopback', 'private']],
    ['0.0.0.0', []],
    ['8.8.8.8', []],
  ])('a broker that listens on %s allows %j', (address, ranges) => {
    expect(rangesAround(address)).toEqual(ranges);
  });
});
