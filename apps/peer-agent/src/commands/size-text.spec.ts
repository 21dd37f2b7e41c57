// Sizes as people write them.
import { expect, it } from 'vitest';
import { formatSize, parseSize } from './size-text.js';

it.each([
  ['0', 0],
  ['512', 512],
  ['10GB', 10_000_000_000],
  ['10 gb', 10_000_000_000],
  ['10G', 10_000_000_000],
  ['10GiB', 10 * 2 ** 30],
  ['1.5TB', 1_500_000_000_000],
  ['1KiB', 1_024],
])('%s is %i bytes', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

it.each(['', 'GB', '-1GB', '10XB', '1e9', '10GBs', '1,5GB', '99999999999TB'])('refuses %j', (text) => {
  expect(() => parseSize(text)).toThrowError(expect.objectContaining({ code: 'usage' }));
});

it.each([
  [999, '999 B'],
  [1_500, '1.5 KB'],
  [10_000_000_000, '10.0 GB'],
])('%i bytes read as %s', (bytes, text) => {
  expect(formatSize(bytes)).toBe(text);
});
