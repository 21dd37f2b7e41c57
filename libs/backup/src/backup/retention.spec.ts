// Until when a retained backup is kept.
import { describe, expect, it } from 'vitest';
import { CLOCK_SKEW_MS_MAX, RETAIN_MS_MAX } from '#protocol';
import { parseSpan } from '../forget/forget-policy.js';
import { zone } from '../forget/testing-zone.js';
import { retentionFrom } from './retention.js';

const NOW_MS = Date.parse('2026-10-20T12:00:00.000Z');
const from = (span: string, zoneName = 'UTC') => retentionFrom(NOW_MS, parseSpan(span), zone(zoneName));
const textOf = (ms: number): string => new Date(ms).toISOString().slice(0, 16);

describe('retentionFrom', () => {
  it('puts for twice the span', () => {
    const { wantedUntilMs, putUntilMs } = from('30d');
    expect([textOf(wantedUntilMs), textOf(putUntilMs)]).toEqual(['2026-11-19T12:00', '2026-12-19T12:00']);
  });

  it('goes by the calendar of the machine', () => {
    expect(textOf(from('1m', 'Europe/Berlin').wantedUntilMs)).toBe('2026-11-20T13:00');
  });

  it('is never longer than a token may say', () => {
    expect(from('6y').putUntilMs).toBe(NOW_MS + RETAIN_MS_MAX - CLOCK_SKEW_MS_MAX);
  });

  it.each(['0d', '11y'])('refuses %s', (span) => {
    expect(() => from(span)).toThrow(expect.objectContaining({ code: 'usage' }));
  });
});
