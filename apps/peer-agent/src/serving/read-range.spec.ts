// Ranges after RFC 9110 §14, each form and each fault.
import { describe, expect, it } from 'vitest';
import { isRefusal } from '#protocol';
import { contentRange, readRange } from './read-range.js';

const SIZE = 1_000;

describe('a range', () => {
  it.each([
    ['bytes=0-0', 0, 1],
    ['bytes=0-999', 0, 1_000],
    ['bytes=10-19', 10, 20],
    ['bytes=10-', 10, 1_000],
    ['bytes=999-', 999, 1_000],
    ['bytes=990-5000', 990, 1_000],
    ['bytes=-1', 999, 1_000],
    ['bytes=-1000', 0, 1_000],
    ['bytes=-5000', 0, 1_000],
    ['Bytes=5-6', 5, 7],
  ])('%s is the bytes from %i to %i', (header, start, end) => {
    const range = readRange(header, SIZE);
    expect(range).toEqual({ start, end });
    expect(contentRange(range, SIZE)).toBe(`bytes ${start}-${end - 1}/1000`);
  });

  it.each([
    'bytes=1000-',
    'bytes=1000-1001',
    'bytes=5-4',
    'bytes=-0',
    'bytes=-',
    'bytes=',
    'bytes',
    '',
    'bytes=0-1,3-4',
    'bytes=0-1, 3-4',
    'bytes=0-1;',
    'bytes= 0-1',
    'bytes=0 -1',
    'bytes=a-b',
    'bytes=0x0-0x1',
    'bytes=1.5-2',
    'bytes=+1-2',
    'bytes=--1',
    'blocks=0-1',
    'bytes=0-1\n',
    'bytes=9999999999999999-',
    `bytes=-${'9'.repeat(400)}`,
  ])('%j is refused, with the size of the shard', (header) => {
    expect(() => readRange(header, SIZE)).toThrow(
      expect.toSatisfy((error) => isRefusal(error, 'range_invalid') && error.facts.sizeBytes === SIZE),
    );
  });
});
