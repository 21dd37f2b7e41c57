// Tokens of several uses (B13): whatever runs in parallel, is cut off or killed, no more moves than the token says.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '#database';
import { CLOCK_SKEW_MS_MAX, contentIdOf, isRefusal, TOKEN_USES_MAX } from '#protocol';
import { ManualTime, makeFolder, openAgentDatabase, verifiedToken } from '../../../../test/claim-fixture.js';
import { beginRun, markCleanStop } from '../state/agent-state.js';
import { type ClaimedUse, ReplayList } from './replay-list.js';
import { decideUse, type UseSituation, useEnded, useUndone } from './token-budget.js';

const START_MS = Date.UTC(2026, 10, 20);
const HOUR_MS = 60 * 60_000;
const BYTES = new Uint8Array(100);
const ITEM = { cid: contentIdOf(BYTES), sizeBytes: BYTES.length };

describe('the rules', () => {
  const situation: UseSituation = {
    isKnown: true,
    issuedAtMs: 10,
    expiresAtMs: 100,
    horizonMs: 0,
    issuedAtMsMin: null,
    isHeldBack: false,
    isFull: false,
    budget: { uses: 3, movedBytes: 40, heldBytes: 20 },
    maxBytes: 100,
    maxUses: 4,
    bytes: 40,
  };

  it.each<[string, Partial<UseSituation>, string]>([
    ['the last byte and the last use', {}, 'ok'],
    ['a byte more than is left', { bytes: 41 }, 'token_budget_spent'],
    ['a use more than is left', { maxUses: 3 }, 'token_budget_spent'],
    ['a stream, whose uses nobody counts', { maxUses: undefined }, 'ok'],
    [
      'more uses than a receipt can number',
      { maxUses: undefined, budget: { uses: TOKEN_USES_MAX, movedBytes: 0, heldBytes: 0 } },
      'token_budget_spent',
    ],
    ['a first use of all', { budget: undefined, bytes: 100 }, 'ok'],
    ['a token that is forgotten', { horizonMs: 100 }, 'token_expired'],
    ['a token from before', { issuedAtMsMin: 11 }, 'token_predates_restart'],
    ['a home that the broker has not confirmed', { isHeldBack: true }, 'host_unconfirmed'],
    ['a full list and a token that it knows', { isFull: true }, 'ok'],
    ['a full list and another token', { isFull: true, isKnown: false, budget: undefined }, 'replay_list_full'],
  ])('%s: %s', (_name, change, expected) => {
    const decision = decideUse({ ...situation, ...change });
    expect(decision.ok ? 'ok' : decision.code).toBe(expected);
  });

  it('give back what did not move, and the number of a use that never was', () => {
    const budget = { uses: 2, movedBytes: 5, heldBytes: 30 };
    expect(useEnded(budget, { heldBytes: 10, movedBytes: 4 })).toEqual({ uses: 2, movedBytes: 9, heldBytes: 20 });
    expect(useUndone(budget, { number: 2, heldBytes: 10 })).toEqual({ uses: 1, movedBytes: 5, heldBytes: 20 });
    expect(useUndone(budget, { number: 1, heldBytes: 10 })).toEqual({ uses: 2, movedBytes: 5, heldBytes: 20 });
  });
});

describe('the list', () => {
  let folder: string;
  let database: Database;
  let time: ManualTime;
  let list: ReplayList;

  beforeEach(async () => {
    folder = await makeFolder();
    time = new ManualTime(START_MS);
    time.brokerMs = START_MS;
    await open();
  });

  afterEach(async () => {
    await database.close();
  });

  async function open(entriesMax?: number): Promise<void> {
    database = await openAgentDatabase(folder);
    list = await ReplayList.load(database, time, await beginRun(database), entriesMax);
  }

  async function restart(end: 'clean' | 'unclean', entriesMax?: number): Promise<void> {
    if (end === 'clean') await database.writes.run((db) => markCleanStop(db, true));
    await database.close();
    time.startedMs = time.nowMs();
    await open(entriesMax);
  }

  const stream = (maxBytes: number, issuedAtMs = time.nowMs()) =>
    verifiedToken(BYTES, issuedAtMs, { op: 'stream', maxBytes });

  const universal = (maxBytes: number, maxUses: number, issuedAtMs = time.nowMs()) =>
    verifiedToken(BYTES, issuedAtMs, { op: 'universal', items: [], maxBytes, maxUses }, 'get');

  async function begin(token: ReturnType<typeof stream>, bytes: number): Promise<ClaimedUse> {
    const use = list.claimUse(token, ITEM, bytes);
    await database.writes.run((db) => list.writeUse(db, use));
    return use;
  }

  async function end(use: ClaimedUse, movedBytes: number): Promise<number> {
    const total = list.endUse(use, movedBytes);
    await database.writes.run((db) => list.writeUseEnd(db, use, movedBytes));
    return total;
  }

  function tryClaim(token: ReturnType<typeof stream>, bytes: number): ClaimedUse | null {
    try {
      return list.claimUse(token, ITEM, bytes);
    } catch (error) {
      // Killed before its first use was durable, the host does not know the token.
      if (isRefusal(error, 'token_budget_spent') || isRefusal(error, 'token_predates_restart')) return null;
      throw error;
    }
  }

  function codeOf(claim: () => unknown): string {
    try {
      claim();
      return 'claimed';
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return error.code;
    }
  }

  it('numbers uses, counts what moved, and lets them run side by side', async () => {
    const token = stream(100);
    const [first, second] = [await begin(token, 60), await begin(token, 40)];
    expect([first.use.number, second.use.number]).toEqual([1, 2]);
    expect(codeOf(() => list.claimUse(token, ITEM, 1))).toBe('token_budget_spent');
    expect(await end(second, 40)).toBe(40);
    expect(await end(first, 10)).toBe(50);
    expect((await begin(token, 50)).use.number).toBe(3);
  });

  it.each(['clean', 'unclean'] as const)('knows a token after a %s stop: what is held is spent', async (how) => {
    const token = stream(100);
    await end(await begin(token, 30), 20);
    if (how === 'unclean') await begin(token, 50);
    time.brokerMs = START_MS + 1_000;
    await restart(how);
    const left = how === 'clean' ? 80 : 30;
    expect(codeOf(() => list.claimUse(token, ITEM, left + 1))).toBe('token_budget_spent');
    expect((await begin(token, left)).use.number).toBe(how === 'clean' ? 2 : 3);
  });

  it('refuses a token that it does not know from before an unclean stop', async () => {
    const token = universal(100, 5, time.nowMs() - 1);
    await restart('unclean');
    expect(codeOf(() => list.claimUse(token, ITEM, 1))).toBe('token_predates_restart');
    expect(codeOf(() => list.claimUse(universal(100, 5), ITEM, 1))).toBe('claimed');
  });

  it('refuses even a token that it knows from before a restore', async () => {
    const token = stream(100);
    await begin(token, 1);
    await database.writes.run(async (db) => {
      await db.query(`UPDATE agent_state SET tokens_since_ms = ${START_MS + 1}`);
    });
    await restart('clean');
    expect(codeOf(() => list.claimUse(token, ITEM, 1))).toBe('token_predates_restart');
    expect(codeOf(() => list.claim(verifiedToken(BYTES, START_MS)))).toBe('token_predates_restart');
    expect(codeOf(() => list.claim(verifiedToken(BYTES, START_MS + 1)))).toBe('claimed');
  });

  it('that is full refuses new ones and goes on with those it knows', async () => {
    const [known, other] = [stream(100), stream(100)];
    await restart('clean', 1);
    await end(await begin(known, 1), 1);
    expect(codeOf(() => list.claimUse(other, ITEM, 1))).toBe('replay_list_full');
    expect(codeOf(() => list.claimUse(known, ITEM, 1))).toBe('claimed');
  });

  it('gives tokens of kits a quarter of it, also after a restart, and others the rest', async () => {
    const DAY_MS = 24 * 3_600_000;
    const offline = () => {
      const expiresAtMs = time.nowMs() + 60 * DAY_MS;
      return { ...stream(100), op: 'offline', expiresAtMs, maxUses: 4 } as ReturnType<typeof stream>;
    };
    await list.prune();
    await restart('clean', 8);
    const known = offline();
    await begin(known, 1);
    await begin(offline(), 1);
    for (let run = 0; run < 2; run++) {
      expect(codeOf(() => list.claimUse(offline(), ITEM, 1))).toBe('replay_list_full');
      await begin(known, 1);
      await begin(stream(100), 1);
      await restart('clean', 8);
    }
    time.brokerMs = START_MS + 61 * DAY_MS;
    await list.prune();
    expect(codeOf(() => list.claimUse(offline(), ITEM, 1))).toBe('claimed');
  });

  it('forgets by broker time as for others, and what is forgotten is expired; an end after that counts nothing', async () => {
    const token = stream(100);
    const use = await begin(token, 10);
    time.brokerMs = token.expiresAtMs + 2 * CLOCK_SKEW_MS_MAX + 60_000;
    await list.prune();
    expect(list.size).toBe(0);
    expect(await end(use, 7)).toBe(7);
    time.brokerMs = START_MS;
    expect(codeOf(() => list.claimUse(token, ITEM, 1))).toBe('token_expired');
  });

  it('takes no token of one use for one of several, nor the other way round', async () => {
    const token = stream(100);
    await begin(token, 1);
    const { expiresAtMs, transactionId } = token;
    expect(codeOf(() => list.claim(verifiedToken(BYTES, START_MS, { expiresAtMs, transactionId })))).toBe(
      'token_burned',
    );
    expect(list.isBurned(token)).toBe(false);
  });

  type Step = { readonly kind: 'begin' | 'end' | 'cut' | 'unrun' | 'kill' | 'clean'; readonly bytes: number };
  const steps = fc.array(
    fc.record<Step>({
      kind: fc.constantFrom('begin', 'begin', 'begin', 'end', 'end', 'cut', 'unrun', 'kill', 'clean'),
      bytes: fc.nat(60),
    }),
    { minLength: 5, maxLength: 60 },
  );

  it('never moves more than `max`, nor allows more than `uses`, in any sequence of events', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 12 }), async (sequence, maxUses) => {
        await database.close();
        folder = await makeFolder();
        time.brokerMs = START_MS;
        time.startedMs = 0;
        await open();
        const token = universal(200, maxUses);
        const numbers = new Set<number>();
        let running: { use: ClaimedUse; sent: number }[] = [];
        let moved = 0;
        for (const { kind, bytes } of sequence) {
          if (kind === 'begin' || kind === 'unrun') {
            const use = tryClaim(token, bytes + 1);
            if (use === null) continue;
            if (kind === 'unrun') {
              list.giveBackUse(use);
              continue;
            }
            await database.writes.run((db) => list.writeUse(db, use));
            expect(numbers.has(use.use.number)).toBe(false);
            numbers.add(use.use.number);
            running.push({ use, sent: 0 });
            // Some bytes go out at once, of this and of all that run: at any moment the host may be killed.
            for (const one of running) {
              const more = Math.min(bytes, one.use.use.heldBytes - one.sent);
              one.sent += more;
              moved += more;
            }
          } else if (kind === 'kill') {
            running = [];
            time.brokerMs = (time.brokerMs ?? START_MS) + 1;
            await restart('unclean');
          } else if (kind === 'clean') {
            for (const { use, sent } of running) await end(use, sent);
            running = [];
            await restart('clean');
          } else if (running.length > 0) {
            const [{ use, sent }] = running.splice(bytes % running.length, 1) as [{ use: ClaimedUse; sent: number }];
            const rest = kind === 'end' ? use.use.heldBytes - sent : 0;
            moved += rest;
            await end(use, sent + rest);
          }
          expect(moved).toBeLessThanOrEqual(200);
          expect(numbers.size).toBeLessThanOrEqual(maxUses);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('holds what a token of a day may still do for a day', async () => {
    const token = verifiedToken(BYTES, START_MS, { op: 'stream', maxBytes: 10, expiresAtMs: START_MS + 24 * HOUR_MS });
    await end(await begin(token, 10), 10);
    for (let hour = 1; hour < 24; hour++) {
      time.brokerMs = START_MS + hour * HOUR_MS;
      await list.prune();
      expect(codeOf(() => list.claimUse(token, ITEM, 1))).toBe('token_budget_spent');
    }
  });
});
