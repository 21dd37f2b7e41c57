// When a probation is over, and when a host that leaves is gone (B23).
import { describe, expect, it } from 'vitest';
import { hasLeft, isProbationOver, type Probation } from './decide-vetting.js';

const DAY_MS = 24 * 60 * 60_000;
const policy = { days: 7, uptimeMin: 0.8, answersMin: 100, auditsMin: 20 };
const over: Probation = { enrolledAtMs: 0, uptime: 0.8, answers: 100, auditsPassed: 20, isInGoodStanding: true };

describe('isProbationOver', () => {
  it('for a host that has shown all that is asked for', () => {
    expect(isProbationOver(over, policy, 7 * DAY_MS)).toBe(true);
  });

  it.each<[string, Partial<Probation>, number]>([
    ['is too young', {}, 7 * DAY_MS - 1],
    ['was away too much', { uptime: 0.79 }, 8 * DAY_MS],
    ['was never asked', { uptime: null }, 8 * DAY_MS],
    ['was asked too seldom', { answers: 99 }, 8 * DAY_MS],
    ['passed too few audits', { auditsPassed: 19 }, 8 * DAY_MS],
    ['is not believed to have what it was given', { isInGoodStanding: false }, 8 * DAY_MS],
  ])('not for one that %s', (_what, lacks, nowMs) => {
    expect(isProbationOver({ ...over, ...lacks }, policy, nowMs)).toBe(false);
  });
});

describe('hasLeft', () => {
  it.each([
    [0, 3, true],
    [1, 30, false],
    [0, 2.9, false],
  ])('holding %i after %d days: %s', (holds, days, gone) => {
    expect(hasLeft({ leavingSinceMs: DAY_MS, holds }, 3, (1 + days) * DAY_MS)).toBe(gone);
  });
});
