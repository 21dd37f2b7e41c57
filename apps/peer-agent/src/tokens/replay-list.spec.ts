// The replay list against a model that never forgets: whatever happens to clocks and processes, a token works once.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '#database';
import { CLOCK_SKEW_MS_MAX, isRefusal, TOKEN_RELEASES_MAX, type VerifiedToken } from '#protocol';
import {
  ManualTime,
  makeFolder,
  openAgentDatabase,
  TOKEN_LIFE_MS,
  verifiedToken,
} from '../../../../test/claim-fixture.js';
import { beginRun, markCleanStop } from '../state/agent-state.js';
import { type ClaimedToken, ReplayList } from './replay-list.js';

const START_MS = Date.UTC(2026, 10, 20);
const HOUR_MS = 60 * 60_000;
const BYTES = new Uint8Array([1]);

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

/** A new process on the same folder. */
async function restart(end: 'clean' | 'unclean', entriesMax?: number): Promise<void> {
  if (end === 'clean') await database.writes.run((db) => markCleanStop(db, true));
  await database.close();
  time.startedMs = time.nowMs();
  await open(entriesMax);
}

async function burn(token: ClaimedToken, receipt: string | null = 'receipt'): Promise<void> {
  await database.writes.run((db) => list.burn(db, token, receipt));
  list.markBurned(token, true);
}

async function release(token: ClaimedToken): Promise<void> {
  await database.writes.run((db) => list.release(db, token));
  list.markReleased(token);
}

function claimCode(token: VerifiedToken): string {
  try {
    list.claim(token);
    return 'claimed';
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return error.code;
  }
}

const fresh = (issuedAtMs = time.nowMs()) => verifiedToken(BYTES, issuedAtMs);

describe('a token', () => {
  it('is one transfer at a time', () => {
    const token = fresh();
    list.claim(token);
    expect(claimCode(token)).toBe('token_in_use');
  });

  it('is burned with its receipt, over restarts of both kinds', async () => {
    const token = fresh();
    await burn(list.claim(token), 'the receipt');
    for (const end of ['clean', 'unclean'] as const) {
      expect(claimCode(token)).toBe('token_burned');
      expect(list.isBurned(token)).toBe(true);
      expect(await list.receiptOf(token)).toBe('the receipt');
      await restart(end);
    }
  });

  it('that was cut off may be tried again, at most so often, over clean restarts', async () => {
    const token = fresh();
    for (let i = 0; i <= TOKEN_RELEASES_MAX; i++) {
      await release(list.claim(token));
      await restart('clean');
    }
    expect(claimCode(token)).toBe('token_released_too_often');
  });

  it('from before an unclean stop is refused, one from after it is not', async () => {
    const before = fresh(time.nowMs() - 1);
    await restart('unclean');
    expect(claimCode(before)).toBe('token_predates_restart');
    expect(claimCode(fresh())).toBe('claimed');
  });

  it('from before a clean stop is good', async () => {
    const token = fresh();
    time.brokerMs = START_MS + 1_000;
    await restart('clean');
    expect(claimCode(token)).toBe('claimed');
  });

  it('whose end could not be written is not tried again, and the stop will not be clean', () => {
    const token = fresh();
    list.markBurned(list.claim(token), false);
    expect(claimCode(token)).toBe('token_burned');
    expect(list.isDurable).toBe(false);
  });
});

describe('forgetting', () => {
  it('waits for the expiry and twice the skew, by broker time', async () => {
    const token = fresh();
    await burn(list.claim(token));
    time.brokerMs = token.expiresAtMs + 2 * CLOCK_SKEW_MS_MAX - 1;
    await list.prune();
    expect(await rows()).toBe(1);
    time.brokerMs += 60_000;
    await list.prune();
    expect([await rows(), list.size]).toEqual([0, 0]);
  });

  it('never follows the local clock alone', async () => {
    await burn(list.claim(fresh()));
    time.brokerMs = null;
    time.localMs = START_MS + 100 * HOUR_MS;
    await list.prune();
    expect([await rows(), list.size]).toEqual([1, 1]);
  });

  it('is final: a clock that runs forward and then back revives nothing, not even after a restart', async () => {
    const token = fresh();
    await burn(list.claim(token));
    time.brokerMs = START_MS + HOUR_MS;
    await list.prune();
    time.brokerMs = START_MS;
    expect(claimCode(token)).toBe('token_expired');
    await restart('clean');
    expect(claimCode(token)).toBe('token_expired');
    await list.prune();
    expect(claimCode(token)).toBe('token_expired');
  });

  it('loads only what is not forgotten', async () => {
    await burn(list.claim(fresh()));
    time.brokerMs = START_MS + TOKEN_LIFE_MS;
    const later = fresh();
    await burn(list.claim(later));
    await restart('clean');
    expect(list.size).toBe(2);
    time.brokerMs = START_MS + TOKEN_LIFE_MS + 2 * CLOCK_SKEW_MS_MAX + 60_000;
    await list.prune();
    await restart('clean');
    expect([list.size, claimCode(later)]).toEqual([1, 'token_burned']);
  });

  async function rows(): Promise<number> {
    return (await database.reads.query<unknown[]>('SELECT 1 FROM used_token')).length;
  }
});

describe('a full list', () => {
  it('refuses new tokens, forgets none, and goes on with those it knows', async () => {
    await restart('clean', 2);
    const [first, second, third] = [fresh(), fresh(), fresh()];
    await burn(list.claim(first));
    await release(list.claim(second));
    expect(claimCode(third)).toBe('replay_list_full');
    expect(claimCode(first)).toBe('token_burned');
    expect(claimCode(second)).toBe('claimed');
    expect(list.size).toBe(2);
  });
});

describe('any sequence of events', () => {
  const TOKENS = 4;
  type Step = {
    readonly kind: 'claim' | 'burn' | 'release' | 'prune' | 'clean' | 'unclean' | 'forward' | 'back';
    readonly i: number;
  };
  const steps = fc.array(
    fc.record<Step>({
      kind: fc.constantFrom(
        'claim',
        'claim',
        'claim',
        'burn',
        'burn',
        'release',
        'prune',
        'clean',
        'unclean',
        'forward',
        'back',
      ),
      i: fc.nat(TOKENS - 1),
    }),
    { minLength: 5, maxLength: 40 },
  );

  it('burns each token at most once, and claims none that is claimed, burned or spent', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        await database.close();
        folder = await makeFolder();
        time.brokerMs = START_MS;
        await open();
        const tokens = Array.from({ length: TOKENS }, () => fresh());
        const held = new Map<number, ClaimedToken>();
        const burned = new Set<number>();
        const releases = new Map<number, number>();
        for (const { kind, i } of sequence) {
          const token = tokens[i]!;
          if (kind === 'claim') {
            const code = claimCode(token);
            if (code !== 'claimed') continue;
            expect([held.has(i), burned.has(i)]).toEqual([false, false]);
            expect(releases.get(i) ?? 0).toBeLessThanOrEqual(TOKEN_RELEASES_MAX);
            held.set(i, token as ClaimedToken);
          } else if (kind === 'burn' && held.has(i)) {
            await burn(held.get(i)!);
            held.delete(i);
            burned.add(i);
          } else if (kind === 'release' && held.has(i)) {
            await release(held.get(i)!);
            held.delete(i);
            releases.set(i, (releases.get(i) ?? 0) + 1);
          } else if (kind === 'prune') {
            await list.prune();
          } else if (kind === 'clean' || kind === 'unclean') {
            // A clean stop comes after every transfer has ended; an unclean one loses those under way.
            for (const token of kind === 'clean' ? held.values() : []) await release(token);
            if (kind === 'clean') for (const j of held.keys()) releases.set(j, (releases.get(j) ?? 0) + 1);
            held.clear();
            time.brokerMs = (time.brokerMs ?? START_MS) + 1;
            await restart(kind);
          } else if (kind === 'forward') {
            time.brokerMs = (time.brokerMs ?? START_MS) + HOUR_MS;
          } else if (kind === 'back') {
            time.brokerMs = START_MS;
          }
        }
      }),
      { numRuns: 25 },
    );
  });
});
