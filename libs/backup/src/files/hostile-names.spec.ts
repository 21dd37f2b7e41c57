// Names that must not reach a disk, as a table.
import { describe, expect, it } from 'vitest';
import { hostileReason } from './hostile-names.js';

describe('a stored name', () => {
  it.each([
    ['', 'linux', 'empty'],
    ['.', 'linux', 'dots'],
    ['..', 'linux', 'dots'],
    ['...', 'linux', null],
    ['a/b', 'linux', 'separator'],
    ['/', 'linux', 'separator'],
    ['../x', 'linux', 'separator'],
    ['a\0', 'linux', 'nul'],
    ['x'.repeat(1_025), 'linux', 'too_long'],
    ['x'.repeat(1_024), 'linux', null],
    ['a\\b', 'linux', null],
    ['c:', 'linux', null],
    ['nul', 'linux', null],
    ['a\\..\\b', 'win32', 'separator'],
    ['c:', 'win32', 'separator'],
    ['file:stream', 'win32', 'separator'],
    ['a.', 'win32', 'dots'],
    ['.. ', 'win32', 'dots'],
    ['NUL', 'win32', 'reserved'],
    ['com1.txt', 'win32', 'reserved'],
    ['console', 'win32', null],
  ] as const)('%j on %s: %s', (name, platform, reason) => {
    expect(hostileReason(Buffer.from(name), platform)).toBe(reason);
  });

  it('may be bytes that are no UTF-8', () => {
    expect(hostileReason(Uint8Array.from([0xff, 0xfe]), 'linux')).toBe(null);
  });
});
