// Where to listen and how much to log, as people write it.
import { describe, expect, it } from 'vitest';
import { parseListenAddress, readLogLevel } from './command-line.js';

describe('the listen address', () => {
  it.each([
    ['0.0.0.0:7000', { host: '0.0.0.0', port: 7000 }],
    ['[::]:0', { host: '::', port: 0 }],
    ['host.example:1', { host: 'host.example', port: 1 }],
  ])('%s', (text, address) => {
    expect(parseListenAddress(text)).toEqual(address);
  });

  it.each(['7000', ':7000', '::1:7000', '[host]:1', '[1.2]:80', 'host:65536', '1.2.3.4:x', ''])('is not %j', (text) => {
    expect(parseListenAddress(text)).toBeNull();
  });
});

it('refuses a log level that there is not', () => {
  expect(readLogLevel({}, 'silent')).toBe('silent');
  expect(readLogLevel({ PEERKEEP_LOG_LEVEL: 'debug' }, 'silent')).toBe('debug');
  expect(() => readLogLevel({ PEERKEEP_LOG_LEVEL: 'loud' }, 'info')).toThrowError(
    expect.objectContaining({ code: 'usage' }),
  );
});
