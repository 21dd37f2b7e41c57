// What `peerkeep credit` shows.
import { describe, expect, it } from 'vitest';
import type { CreditAnswer, PeerId } from '#protocol';
import { formatCredit } from './credit.js';

const answer: CreditAnswer = {
  credit: { available: '3221225472', reserved: '0', used: '1073741824', withheld: '1024' },
  allowance: { windowDays: 30, earned: '2147483648', withheld: '0', granted: '1048576', owed: '1048576' },
  proved: [{ day: '2026-11-20', peerId: 'p' as PeerId, name: 'attic', provedBytes: '1048576', withheld: true }],
  movements: [{ day: '2026-11-20', kind: 'adjust', amount: '5', reason: 'a gift\u001b[2J' }],
  classes: [
    {
      durability: 'second-copy',
      ratio: 1.5,
      isDefault: true,
      code: { dataShards: 4, totalShards: 6 },
      backupBytes: '2147483648',
      survival: {
        perYear: 0.9998,
        nines: -Math.log10(2e-4),
        lossesPerHostYear: 0.1,
        measuredOverHostYears: 37.4,
        basis: 'measured',
      },
    },
    { durability: 'archive', ratio: 2.5, isDefault: false, code: null, backupBytes: '1288490188', survival: null },
  ],
};

describe('formatCredit', () => {
  it('shows purses, prices, days and reasons, and nothing that a terminal obeys', () => {
    expect(formatCredit(answer)).toBe(
      [
        'available  3.0 GiB',
        'reserved   0 B for puts under way',
        'used       1.0 GiB for what is stored',
        'withheld   1.0 KiB until new machines have proved themselves',
        'hosting    2.0 GiB on average over 30 days',
        'owed       1.0 MiB that hosting no longer earns; it lapses first',
        '',
        'Durability             Price  Code           Buys',
        'second-copy (default)   1.5x  4 of 6         2.0 GiB',
        'archive                 2.5x  too few hosts  1.2 GiB',
        '',
        'second-copy: 4 of 6, 99.98 % of objects survive a year at the churn measured here (37 host-years); 1.5 credits a byte',
        '',
        'Day         Machine   Proved  ',
        '2026-11-20  attic    1.0 MiB  withheld',
        '',
        'Day         What    Credit  Why',
        '2026-11-20  adjust     5 B  a gift\\u{1b}[2J',
      ].join('\n'),
    );
  });

  it('leaves out tables without rows', () => {
    expect(formatCredit({ ...answer, proved: [], movements: [] }).split('\n\n')).toHaveLength(3);
  });

  it.each([
    [0.05, '10 %'],
    [1, '90 %'],
    [1.2, '93 %'],
    [3, '99.9 %'],
    [4.3, '99.994 %'],
    [9, '99.9999999 %'],
    [12, 'more than 99.9999999 %'],
  ])('never rounds a chance up: %s nines are %s', (nines, share) => {
    const [second] = answer.classes as [CreditAnswer['classes'][number]];
    const classes = [{ ...second, survival: { ...second.survival!, nines, basis: 'assumed' as const } }];
    expect(formatCredit({ ...answer, classes })).toContain(
      `second-copy: 4 of 6, ${share} of objects survive a year at the churn assumed until more is measured (37 host-years so far)`,
    );
  });
});
