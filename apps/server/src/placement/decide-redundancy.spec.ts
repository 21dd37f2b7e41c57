// The table of codes: the best row that the hosts at hand allow.
import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../config/policy.js';
import { decideRedundancy } from './decide-redundancy.js';

const table = parsePolicy({}).redundancy;

describe('decideRedundancy', () => {
  it.each([
    [1, '1 of 1, safe 1'],
    [2, '1 of 2, safe 2'],
    [3, '2 of 3, safe 3'],
    [4, '2 of 4, safe 3'],
    [5, '3 of 5, safe 4'],
    [6, '4 of 6, safe 5'],
    [500, '4 of 6, safe 5'],
  ])('for %i hosts: %s', (eligibleHosts, expected) => {
    const decision = decideRedundancy(table, eligibleHosts);
    if (!decision.ok) throw new Error(decision.code);
    const { dataShards, totalShards, safeShards } = decision.redundancy;
    expect(`${dataShards} of ${totalShards}, safe ${safeShards}`).toBe(expected);
    expect(decision.redundancy.eligibleHosts).toBe(eligibleHosts);
  });

  it('refuses when no row fits', () => {
    expect(decideRedundancy(table, 0)).toEqual({ ok: false, code: 'not_enough_hosts' });
  });

  it('does not depend on the order of the table', () => {
    expect(decideRedundancy([...table].reverse(), 5)).toEqual(decideRedundancy(table, 5));
  });
});
