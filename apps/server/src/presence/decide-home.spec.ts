// Homes that fall behind are found out, those that are merely unlucky are not (trap 15).
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HomeRun } from '#protocol';
import { decideHome, type KnownRun } from './decide-home.js';

const shown = (change: Partial<HomeRun> = {}): HomeRun => ({
  epoch: 5,
  runId: 'next',
  previousRunId: 'last',
  restored: false,
  ...change,
});
const known: KnownRun = { epoch: 5, runId: 'last' };

describe('a home', () => {
  it.each<[string, KnownRun | null, HomeRun, KnownRun | null]>([
    ['the newest', known, shown(), { epoch: 6, runId: 'next' }],
    ['the first of its peer', null, shown({ epoch: 0, previousRunId: null }), { epoch: 1, runId: 'next' }],
    ['one that did not hear the answer', { epoch: 6, runId: 'next' }, shown(), { epoch: 6, runId: 'next' }],
    ['an older copy', { epoch: 9, runId: 'later' }, shown(), null],
    ['a clone of the same epoch', { epoch: 5, runId: 'other' }, shown(), null],
    ['a clone one step behind', { epoch: 6, runId: 'of the clone' }, shown(), null],
    ['one without its database', known, shown({ epoch: 0, previousRunId: null }), null],
    [
      'an older copy that was accepted',
      { epoch: 9, runId: 'later' },
      shown({ restored: true }),
      { epoch: 10, runId: 'next' },
    ],
    ['one that a restored broker has forgotten', { epoch: 2, runId: 'early' }, shown(), { epoch: 6, runId: 'next' }],
  ])('%s', (_name, before, run, expected) => {
    const decision = decideHome(before, run);
    expect(decision.ok ? decision.next : null).toEqual(expected);
  });

  interface Home {
    epoch: number;
    runId: string | null;
    nextRunId: string | null;
  }
  type Step = { readonly kind: 'present' | 'crash before' | 'crash after' | 'copy'; readonly home: number };
  const steps = fc.array(
    fc.record<Step>({
      kind: fc.constantFrom('present', 'present', 'present', 'crash before', 'crash after', 'copy'),
      home: fc.nat(3),
    }),
    { minLength: 1, maxLength: 60 },
  );

  it('that is alone is never refused, and of several at most one is, from its second presence on, not refused', () => {
    fc.assert(
      fc.property(steps, (sequence) => {
        let broker: KnownRun | null = null;
        let ids = 0;
        const homes: Home[] = [{ epoch: 0, runId: null, nextRunId: null }];
        const refused = new Set<Home>();
        for (const step of sequence) {
          const home = homes[step.home % homes.length]!;
          if (step.kind === 'copy') {
            if (homes.length < 4) homes.push({ ...home });
            continue;
          }
          home.nextRunId ??= `run ${ids++}`;
          if (step.kind === 'crash before') continue;
          const decision = decideHome(broker, {
            epoch: home.epoch,
            runId: home.nextRunId,
            previousRunId: home.runId,
            restored: false,
          });
          if (!decision.ok) {
            refused.add(home);
            continue;
          }
          // Once refused, refused for good.
          expect(refused.has(home)).toBe(false);
          broker = decision.next;
          if (step.kind === 'crash after') continue;
          Object.assign(home, { epoch: broker.epoch, runId: broker.runId, nextRunId: null });
        }
        if (homes.length === 1) expect(refused.size).toBe(0);
        // Everybody presents itself twice more: one stays, or none when all were copies of what is gone.
        const standing = homes.filter((home) => {
          for (let i = 0; i < 2; i++) {
            home.nextRunId ??= `run ${ids++}`;
            const run = { epoch: home.epoch, runId: home.nextRunId, previousRunId: home.runId, restored: false };
            const decision = decideHome(broker, run);
            if (!decision.ok) return false;
            broker = decision.next;
            Object.assign(home, { epoch: broker.epoch, runId: broker.runId, nextRunId: null });
          }
          return true;
        });
        const last = standing.filter(({ runId }) => runId === broker?.runId);
        expect(last.length).toBeLessThanOrEqual(1);
        for (const home of standing) {
          if (last.includes(home)) continue;
          const run = { epoch: home.epoch, runId: 'yet another', previousRunId: home.runId, restored: false };
          expect(decideHome(broker, run).ok).toBe(false);
        }
      }),
      { numRuns: 500 },
    );
  });
});
