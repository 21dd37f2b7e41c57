// Durations and sizes as people type them.
import { describe, expect, it } from 'vitest';
import { ProtocolError } from '#protocol';
import { parseByteCount, parseDuration, parseMaxUnused } from './parse-amounts.js';

function orCode<T>(parse: () => T): T | string {
  try {
    return parse();
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
}

describe('amounts', () => {
  it.each([
    ['0', 0],
    ['90s', 90_000],
    ['30m', 1_800_000],
    ['24h', 86_400_000],
    ['7d', 604_800_000],
    ['7', 'usage'],
    ['-1h', 'usage'],
    ['1.5h', 'usage'],
    ['', 'usage'],
  ])('the duration %j', (text, expected) => {
    expect(orCode(() => parseDuration(text))).toBe(expected);
  });

  it.each([
    ['1000', 1000],
    ['500M', 500 * 2 ** 20],
    ['1.5g', 1.5 * 2 ** 30],
    ['2TB', 2 * 2 ** 40],
    ['5%', 'usage'],
    ['M', 'usage'],
  ])('the size %j', (text, expected) => {
    expect(orCode(() => parseByteCount(text))).toBe(expected);
  });

  it.each([
    ['5%', { percent: 5 }],
    ['100%', { percent: 100 }],
    ['0', { bytes: 0 }],
    ['1k', { bytes: 1024 }],
    ['unlimited', 'unlimited'],
    ['101%', 'usage'],
  ])('the limit %j', (text, expected) => {
    expect(orCode(() => parseMaxUnused(text))).toEqual(expected);
  });
});
