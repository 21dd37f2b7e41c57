// A slow host does not hold an object up: when another one is asked, who is waited for, and what becomes of both receipts.
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '#process';
import { type PeerId, ProtocolError, type PutPermission, type TransactionId, uuidV7 } from '#protocol';
import { HedgeBudget } from './hedge-budget.js';
import { type PutOutcome, putAndHedge } from './hedged-puts.js';

const NEVER = new AbortController().signal;
const SPARE = 50;
const peer = (host: number): PeerId => uuidV7<PeerId>(1_000, new Uint8Array(10).fill(host));

let clock: FakeClock;
let budget: HedgeBudget;
/** Ms that each host takes; a negative number fails after so many. */
let takes: number[];
let spareTakes: number | null;
/** Hosts whose puts end although they were cut off: the receipt was on its way. */
let stubborn: Set<number>;
let asked: { index: number; avoid: readonly PeerId[]; atMs: number }[];

beforeEach(() => {
  clock = new FakeClock(0);
  budget = new HedgeBudget(clock, () => true);
  spareTakes = 100;
  stubborn = new Set();
  asked = [];
});

const permissionAt = (host: number, index: number): PutPermission => ({
  index,
  transactionId: uuidV7<TransactionId>(2_000 + host, new Uint8Array(10)),
  token: '',
  host: { peerId: peer(host), address: '127.0.0.1', port: 1 },
});

function put(permission: PutPermission, signal: AbortSignal): Promise<PutOutcome> {
  const host = permission.host.peerId === peer(SPARE) ? SPARE : permission.index;
  const ms = host === SPARE ? spareTakes! : takes[permission.index]!;
  const { transactionId } = permission;
  return new Promise((resolve) => {
    const done: PutOutcome = {
      permission,
      error: null,
      report: { outcome: 'done', transactionId, receipt: `${host}` },
    };
    const failed: PutOutcome = { permission, error: new ProtocolError('host_full'), report: null };
    const cancel = clock.schedule(Math.abs(ms), () => resolve(ms < 0 ? failed : done));
    const stop = (): void => {
      cancel();
      resolve(stubborn.has(host) ? done : { permission, error: new ProtocolError('interrupted'), report: null });
    };
    signal.addEventListener('abort', stop, { once: true });
  });
}

/** Run until it ends; the receipts that came, and when it ended. */
async function run(signal = NEVER): Promise<{ receipts: string[]; outcomes: PutOutcome[]; endedMs: number }> {
  const permissions = takes.map((_, index) => permissionAt(index, index));
  let ended: PutOutcome[] | null = null;
  const askSpare = async (index: number, avoid: readonly PeerId[]): Promise<PutPermission | null> => {
    asked.push({ index, avoid, atMs: clock.monotonicMs() });
    return spareTakes === null ? null : permissionAt(SPARE, index);
  };
  const running = putAndHedge(permissions, signal, { clock, budget, put, askSpare }).then((outcomes) => {
    ended = outcomes;
  });
  for (let step = 0; step < 20_000 && ended === null; step++) {
    for (let turn = 0; turn < 15; turn++) await Promise.resolve();
    if (ended === null) clock.advance(50);
  }
  await running;
  const outcomes = ended!;
  const receipts = outcomes.flatMap(({ report }) => (report?.outcome === 'done' ? [String(report.receipt)] : []));
  return { receipts, outcomes, endedMs: clock.monotonicMs() };
}

describe('putAndHedge', () => {
  it('asks nobody else while all hosts are about as fast', async () => {
    takes = [1_000, 1_100, 1_200, 2_900];
    expect((await run()).receipts).toEqual(['0', '1', '2', '3']);
    expect(asked).toEqual([]);
  });

  it('puts the shard of a slow host at a spare one, and cuts the slow one off', async () => {
    takes = [500, 600, 700, 60_000];
    const { receipts, endedMs } = await run();
    expect(receipts).toEqual(['0', '1', '2', String(SPARE)]);
    expect(endedMs).toBeLessThan(2_500);
    expect(asked).toMatchObject([{ index: 3, avoid: [0, 1, 2, 3].map(peer), atMs: 1_800 }]);
    expect(budget.slowHosts()).toEqual([peer(3)]);
  });

  it('keeps the receipt of the slow host when it comes first after all', async () => {
    takes = [500, 600, 700, 2_500];
    spareTakes = 5_000;
    const { receipts, endedMs } = await run();
    expect(receipts).toEqual(['0', '1', '2', '3']);
    expect(endedMs).toBeLessThan(2_700);
    expect(budget.slowHosts()).toEqual([]);
  });

  it('keeps both receipts when the one that was cut off is there as well', async () => {
    takes = [500, 600, 700, 60_000];
    stubborn.add(3);
    expect((await run()).receipts.sort()).toEqual(['0', '1', '2', '3', String(SPARE)]);
  });

  it('goes on waiting for the slow host when the spare one fails, or there is none', async () => {
    takes = [500, 600, 700, 9_000];
    spareTakes = -300;
    expect((await run()).receipts).toEqual(['0', '1', '2', '3']);
    clock = new FakeClock(0);
    budget = new HedgeBudget(clock, () => true);
    spareTakes = null;
    expect((await run()).receipts).toEqual(['0', '1', '2', '3']);
  });

  it('waits for the spare host when the slow one fails while they race', async () => {
    takes = [500, 600, 700, -3_000];
    spareTakes = 4_000;
    expect((await run()).receipts).toEqual(['0', '1', '2', String(SPARE)]);
  });

  it('races once an object, and not while two are slow', async () => {
    takes = [500, 600, 30_000, 61_000];
    expect((await run()).receipts).toEqual(['0', '1', '2', String(SPARE)]);
    expect(asked).toMatchObject([{ index: 3, atMs: 30_000 }]);
  });

  it('ends when the person stops', async () => {
    takes = [500, 600, 700, 60_000];
    const stop = new AbortController();
    clock.schedule(1_000, () => stop.abort());
    const { outcomes } = await run(stop.signal);
    expect(outcomes.at(-1)!.error).toMatchObject({ code: 'interrupted' });
    expect(asked).toEqual([]);
  });

  it('has a receipt for every shard that some host took, and never asks twice: whatever hosts do', async () => {
    const anyMs = fc.oneof(fc.integer({ min: 1, max: 3_000 }), fc.integer({ min: 3_000, max: 60_000 }));
    const anyHost = fc.tuple(anyMs, fc.boolean()).map(([ms, fails]) => (fails ? -ms : ms));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof({ weight: 5, arbitrary: anyMs }, anyHost), { minLength: 1, maxLength: 6 }),
        fc.option(anyHost),
        fc.boolean(),
        async (hosts, spare, isStubborn) => {
          clock = new FakeClock(0);
          budget = new HedgeBudget(clock, () => true);
          [takes, spareTakes, asked] = [hosts, spare, []];
          stubborn = new Set(isStubborn ? hosts.keys() : []);
          const { outcomes } = await run();
          expect(asked.length).toBeLessThanOrEqual(1);
          for (const [index, ms] of hosts.entries()) {
            const receipts = outcomes.filter(({ permission, error }) => permission.index === index && error === null);
            const isRaced = asked.some((each) => each.index === index);
            if (ms > 0) expect(receipts.length).toBeGreaterThanOrEqual(1);
            else if (!isRaced) expect(receipts).toHaveLength(0);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('HedgeBudget', () => {
  it('has a few for a short run, and one shard in twenty for a long one', () => {
    let hedges = 0;
    for (let object = 0; object < 1_000; object++) {
      budget.sent(6);
      if (budget.take()) hedges++;
    }
    expect(hedges).toBe(304);
  });

  it('has none while a limit of our own holds hosts back', () => {
    expect(new HedgeBudget(clock, () => false).take()).toBe(false);
  });

  it('passes a slow host by for ten minutes, unless it is needed', () => {
    budget.lost(peer(1));
    clock.advance(10 * 60_000 - 1);
    expect(budget.slowHosts()).toEqual([peer(1)]);
    clock.advance(1);
    expect(budget.slowHosts()).toEqual([]);
    for (let host = 0; host < 40; host++) budget.lost(peer(host));
    expect(budget.slowHosts()).toHaveLength(16);
    budget.forgive();
    expect(budget.slowHosts()).toEqual([]);
  });
});
