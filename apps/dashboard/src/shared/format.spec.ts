// Sizes, counts, shares and times as the console writes them (B24).
import { describe, expect, it } from 'vitest';
import {
  formatAge,
  formatBytes,
  formatCount,
  formatShare,
  formatSpan,
  formatSurvival,
  formatTime,
  formatUtc,
  shortId,
} from './format.js';

describe('bytes', () => {
  it.each([
    [0, '0 B'],
    [1_023, '1023 B'],
    [1_024, '1.0 KiB'],
    [1_536, '1.5 KiB'],
    [1_048_575, '1.0 MiB'],
    [250 * 1_024 ** 3, '250 GiB'],
    ['1125899906842624', '1.0 PiB'],
    ['-2048', '−2.0 KiB'],
  ])('%s are %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe('counts and shares', () => {
  it('are grouped, also beyond what a number holds', () => {
    expect([0, 999, 1_000, 1_234_567, '9007199254740993', '-1000'].map(formatCount)).toEqual([
      '0',
      '999',
      '1,000',
      '1,234,567',
      '9,007,199,254,740,993',
      '−1,000',
    ]);
  });

  it('never say all or nothing of what is less or more', () => {
    expect([0, 0.0001, 0.5, 0.125, 0.9999, 1].map(formatShare)).toEqual([
      '0 %',
      '< 0.1 %',
      '50 %',
      '12.5 %',
      '> 99.9 %',
      '100 %',
    ]);
  });

  it('survival is rounded down, never up to what is not there', () => {
    expect(formatSurvival(0.99999, 5)).toBe('99.999 %');
    expect(formatSurvival(0.95, 1.3)).toBe('95 %');
    expect(formatSurvival(0.9996, 3.4)).toBe('99.96 %');
  });
});

describe('times', () => {
  const at = Date.parse('2026-11-21T22:05:09Z');

  it('are of the zone of the reader, and exact in UTC', () => {
    expect(formatTime(at, 'Europe/Berlin')).toBe('21 Nov 2026, 23:05');
    expect(formatUtc(at)).toBe('2026-11-21 22:05:09 UTC');
  });

  it.each([
    [0, 'just now'],
    [61_000, '1 minute ago'],
    [7_200_000, '2 hours ago'],
    [-86_400_000 * 3, 'in 3 days'],
  ])('%i ms later: %s', (later, text) => {
    expect(formatAge(at, at + later)).toBe(text);
  });

  it('spans are told in their largest unit', () => {
    expect([500, 1_000, 90_000, 86_400_000, 3e15].map(formatSpan)).toEqual([
      '0 seconds',
      '1 second',
      '1 minute',
      '1 day',
      '95,064 years',
    ]);
  });
});

describe('ids', () => {
  it('are told by their random end', () => {
    expect(shortId('0199f1e0-1234-7000-8000-00000000abcd')).toBe('…0000abcd');
    expect(shortId('broker')).toBe('broker');
  });
});
