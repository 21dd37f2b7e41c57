// Accounts that store for each other gain nothing by it, whatever they do and when (B25): the exchange's own decisions, played
// with a coalition of accounts of one attacker.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AccountId } from '#protocol';
import { decideCharge, earnedBytes } from './decide-charge.js';
import { decideAllowance, decideExchange } from './decide-exchange.js';

const WINDOW_DAYS = 3;
const OPENING = 10_000n;
const CODES = [
  { dataShards: 1, totalShards: 1, ratio: 1.5 },
  { dataShards: 1, totalShards: 2, ratio: 1.5 },
  { dataShards: 1, totalShards: 3, ratio: 1.5 },
  { dataShards: 4, totalShards: 6, ratio: 1.5 },
  { dataShards: 8, totalShards: 20, ratio: 2.5 },
  { dataShards: 1, totalShards: 20, ratio: 0.001 },
] as const;

interface Stored {
  readonly owner: number | 'outsider';
  readonly host: number | 'outsider';
  readonly sizeBytes: number;
  readonly charge: number;
}

interface Account {
  available: bigint;
  granted: bigint;
  owed: bigint;
  /** Byte-hours of each day. */
  readonly proved: bigint[];
}

type Step =
  | {
      readonly kind: 'store';
      readonly owner: number;
      readonly host: number;
      readonly code: number;
      readonly sizeBytes: number;
    }
  | { readonly kind: 'delete'; readonly which: number }
  | { readonly kind: 'days'; readonly days: number };

/** A coalition whose members store at each other and outside, and hold what outsiders put there. */
class Coalition {
  readonly accounts: Account[];
  stored: Stored[] = [];
  /** Credit and days: what its members had for outsiders, and what they had coming to them. */
  usable = 0n;
  due = 0n;

  constructor(
    size: number,
    private readonly earned: typeof earnedBytes,
  ) {
    this.accounts = Array.from({ length: size }, () => ({ available: OPENING, granted: 0n, owed: 0n, proved: [] }));
  }

  take(step: Step): void {
    if (step.kind === 'store') this.store(step);
    else if (step.kind === 'delete') this.delete(step.which);
    else for (let day = 0; day < step.days; day++) this.endDay();
  }

  /** Accounts past the end are outsiders; what one of them stores with another is nobody's concern. */
  private store({ owner, host, code, sizeBytes }: Extract<Step, { kind: 'store' }>): void {
    const at = (index: number): number | 'outsider' => (index < this.accounts.length ? index : 'outsider');
    const charge = decideCharge({ sizeBytes, ...CODES[code]! });
    const stored: Stored = { owner: at(owner), host: at(host), sizeBytes, charge };
    if (stored.owner === stored.host) return;
    if (stored.owner !== 'outsider') {
      const account = this.accounts[stored.owner]!;
      if (account.available < BigInt(charge)) return;
      account.available -= BigInt(charge);
    }
    this.stored.push(stored);
  }

  private delete(which: number): void {
    if (this.stored.length === 0) return;
    const [gone] = this.stored.splice(which % this.stored.length, 1);
    if (gone!.owner !== 'outsider') this.accounts[gone!.owner]!.available += BigInt(gone!.charge);
  }

  private endDay(): void {
    this.accounts.forEach((account, index) => {
      account.proved.push(24n * this.bytesAt(({ host }) => host === index));
      const earnedByteHours = account.proved.slice(-WINDOW_DAYS).reduce((sum, hours) => sum + hours, 0n);
      const { granted, available } = account;
      const decision = decideExchange({
        accountId: `a${index}` as AccountId,
        day: account.proved.length,
        allowance: decideAllowance({ earnedByteHours, withheldByteHours: 0n }, WINDOW_DAYS),
        granted,
        available,
        withheld: 0n,
      });
      account.available += decision.granted - granted;
      account.granted = decision.granted;
      account.owed = decision.owed;
    });
    const outside = this.stored.filter(({ owner, host }) => owner !== 'outsider' && host === 'outsider');
    this.usable += outside.reduce((sum, { charge }) => sum + BigInt(charge), 0n);
    for (const { available, owed } of this.accounts) this.usable += available - owed;
    this.due += OPENING * BigInt(this.accounts.length) + this.bytesAt(({ owner }) => owner === 'outsider');
  }

  private bytesAt(of: (stored: Stored) => boolean): bigint {
    return this.stored.filter(of).reduce((sum, stored) => sum + BigInt(this.earned(stored)), 0n);
  }
}

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('store' as const),
      owner: fc.nat(6),
      host: fc.nat(6),
      code: fc.nat(CODES.length - 1),
      sizeBytes: fc.integer({ min: 1, max: 9_000 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), which: fc.nat(1_000) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('days' as const), days: fc.integer({ min: 1, max: 8 }) }) },
);
const play = fc.record({
  size: fc.integer({ min: 1, max: 6 }),
  steps: fc.array(step, { minLength: 5, maxLength: 60 }),
});

/** Throws where the coalition ever had more for outsiders than was coming to it. */
function expectNoGain(earned: typeof earnedBytes, runs: number): void {
  fc.assert(
    fc.property(play, ({ size, steps }) => {
      const coalition = new Coalition(size, earned);
      for (const each of steps) {
        coalition.take(each);
        expect(coalition.usable <= coalition.due).toBe(true);
      }
    }),
    { numRuns: runs, seed: 25 },
  );
}

describe('a coalition', () => {
  it('has for outsiders, over time and less what it owes, at most its opening credit and what outsiders store with it (B22, B25)', () => {
    expectNoGain(earnedBytes, 2_000);
  });

  it('would gain where hosts earn by bytes and a code has more shards than its ratio pays for', () => {
    expect(() => expectNoGain(({ sizeBytes }) => sizeBytes, 2_000)).toThrow();
  });

  it('earns no byte that nobody pays for, whatever the code, and no byte that is not there', () => {
    fc.assert(
      fc.property(fc.nat(CODES.length - 1), fc.integer({ min: 1, max: 1e9 }), (code, sizeBytes) => {
        const charge = decideCharge({ sizeBytes, ...CODES[code]! });
        const earned = earnedBytes({ sizeBytes, charge });
        expect(earned).toBeLessThanOrEqual(charge);
        expect(earned).toBeLessThanOrEqual(sizeBytes);
      }),
    );
    // B22: 1.5 GB that are shared earn 1 GB of backup, in the default class where it has its full code.
    const shared = 1.5e9;
    const charge = decideCharge({ sizeBytes: shared, dataShards: 4, totalShards: 6, ratio: 1.5 });
    expect(earnedBytes({ sizeBytes: shared, charge }) / 1.5).toBe(1e9);
  });

  it('owes what it spent and no longer earns, and who owes has nothing to spend', () => {
    const coalition = new Coalition(2, earnedBytes);
    const [storing, hosting] = [0, 1];
    const outside = 6;
    const size = Number(OPENING);
    coalition.take({ kind: 'store', owner: storing, host: hosting, code: 3, sizeBytes: size });
    coalition.take({ kind: 'days', days: WINDOW_DAYS });
    expect(coalition.accounts[hosting]!.available).toBe(2n * OPENING);
    coalition.take({ kind: 'store', owner: hosting, host: outside, code: 3, sizeBytes: 2 * size });
    coalition.take({ kind: 'delete', which: 0 });
    coalition.take({ kind: 'days', days: WINDOW_DAYS });
    expect(coalition.accounts[hosting]).toMatchObject({ available: 0n, owed: OPENING });
    // What comes back to it is what it owes.
    coalition.take({ kind: 'delete', which: 0 });
    coalition.take({ kind: 'days', days: 1 });
    expect(coalition.accounts[hosting]).toMatchObject({ available: OPENING, owed: 0n, granted: 0n });
  });
});
