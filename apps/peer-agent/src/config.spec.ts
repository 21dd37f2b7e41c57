// Where the home is and where the host listens.
import { describe, expect, it } from 'vitest';
import { homePathOf, logLevelOf, parseListenAddress } from './config.js';

describe('the home folder', () => {
  it.each([
    ['/a', { PEERKEEP_HOME: '/b', XDG_DATA_HOME: '/c' }, '/a'],
    [undefined, { PEERKEEP_HOME: '/b', XDG_DATA_HOME: '/c' }, '/b'],
    [undefined, { XDG_DATA_HOME: '/c' }, '/c/peerkeep'],
    [undefined, { PEERKEEP_HOME: '', XDG_DATA_HOME: '/c' }, '/c/peerkeep'],
  ])('--home %s with %j is %s', (option, environment, path) => {
    expect(homePathOf(option, environment)).toBe(path);
  });
});

describe('the listen address', () => {
  it.each([
    ['0.0.0.0:7000', { host: '0.0.0.0', port: 7000 }],
    ['[::]:0', { host: '::', port: 0 }],
    ['host.example:1', { host: 'host.example', port: 1 }],
  ])('%s', (text, address) => {
    expect(parseListenAddress(text)).toEqual(address);
  });

  it.each(['7000', ':7000', '::1:7000', '[host]:1', '1.2.3.4:65536', '1.2.3.4:x'])('refuses %s', (text) => {
    expect(() => parseListenAddress(text)).toThrowError(expect.objectContaining({ code: 'usage' }));
  });
});

it('refuses a log level that there is not', () => {
  expect(logLevelOf({})).toBe('info');
  expect(() => logLevelOf({ PEERKEEP_LOG_LEVEL: 'loud' })).toThrowError(expect.objectContaining({ code: 'usage' }));
});
