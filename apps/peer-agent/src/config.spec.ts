// What an agent is told at its start, as a person writes it.
import { describe, expect, it } from 'vitest';
import { isRefusal } from '#protocol';
import { readListenAddress, readRegion } from './config.js';

const refusalOf = (read: () => unknown): string | null => {
  try {
    read();
    return null;
  } catch (error) {
    return isRefusal(error, 'usage') ? error.message : String(error);
  }
};

describe('--region', () => {
  it.each(['eu', 'de-berlin', 'zone9', 'a'.repeat(32)])('takes %s', (text) => {
    expect(readRegion(text)).toBe(text);
  });

  it.each(['', 'EU', 'de berlin', '9zone', '-eu', 'eu,us', 'a'.repeat(33)])(
    'refuses "%s", and says what one is',
    (text) => {
      expect(refusalOf(() => readRegion(text))).toContain(`--region ${text} is no name`);
    },
  );
});

describe('--listen', () => {
  it('takes host and port', () => {
    expect(readListenAddress('0.0.0.0:0')).toEqual({ host: '0.0.0.0', port: 0 });
  });

  it.each(['', '4711', 'host:', 'host:70000'])('refuses "%s"', (text) => {
    expect(refusalOf(() => readListenAddress(text))).toContain(`--listen ${text} is not HOST:PORT`);
  });
});
