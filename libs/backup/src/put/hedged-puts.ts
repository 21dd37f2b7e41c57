// The shards of an object on their way to its hosts: one host that keeps all others waiting is raced by another one.
import type { Clock } from '#process';
import type { PeerId, ProtocolError, PutPermission, Report } from '#protocol';
import type { HedgeBudget } from './hedge-budget.js';

/** The last shard is given so many times what the middle one took, within these bounds. */
const PATIENCE_FACTOR = 3;
const PATIENCE_MS_MIN = 1_000;
const PATIENCE_MS_MAX = 60_000;
/** Of fewer nobody can tell what is usual. */
const DONE_MIN = 2;

export interface PutOutcome {
  readonly permission: PutPermission;
  readonly error: ProtocolError | null;
  /** Null for a transfer that we cut off ourselves: it says nothing about the host. */
  readonly report: Report | null;
}

export interface HedgedPutsOptions {
  readonly clock: Clock;
  readonly budget: HedgeBudget;
  /** Never rejects for what a host does. */
  readonly put: (permission: PutPermission, signal: AbortSignal) => Promise<PutOutcome>;
  /** Another place for a shard whose put has not ended; null when there is none, or it costs too much. */
  readonly askSpare: (index: number, avoid: readonly PeerId[]) => Promise<PutPermission | null>;
}

interface RunningPut {
  readonly permission: PutPermission;
  readonly outcome: Promise<PutOutcome>;
  readonly stop: AbortController;
}

/**
 * Put each shard at its host, all at once. When all have ended but one, and that one takes several times as long as they
 * did, its shard is put at a spare host as well, once an object; whoever has a receipt first is waited for, and the other
 * is cut off. Both are paid for until they end (SPEC §5.2), so there is a budget.
 *
 * A host that is cut off may have stored the shard: when its receipt has come, too, it is among the outcomes, and the
 * broker keeps the place of the first. Otherwise it keeps a shard that is nowhere listed.
 *
 * returns  the outcome of every put, of the spare one too
 */
export async function putAndHedge(
  permissions: readonly PutPermission[],
  signal: AbortSignal,
  options: HedgedPutsOptions,
): Promise<PutOutcome[]> {
  const { budget, clock } = options;
  budget.sent(permissions.length);
  const startedMs = clock.monotonicMs();
  const puts = permissions.map((permission) => begin(permission, signal, options));
  const last = await untilOneIsLeft(puts, { clock, startedMs });
  if (last !== null && !signal.aborted && budget.take()) {
    const spare = await spareFor(last, permissions, options);
    if (spare !== null) puts.push(await race(last, begin(spare, signal, options), budget));
  }
  return Promise.all(puts.map(({ outcome }) => outcome));
}

function begin(permission: PutPermission, signal: AbortSignal, { put }: HedgedPutsOptions): RunningPut {
  const stop = new AbortController();
  const outcome = put(permission, AbortSignal.any([signal, stop.signal]));
  // Told by whoever waits for all of them, also when it comes before.
  outcome.catch(() => undefined);
  return { permission, outcome, stop };
}

/** The put that is left when patience with it is over; null when all have ended. */
async function untilOneIsLeft(
  puts: readonly RunningPut[],
  { clock, startedMs }: { readonly clock: Clock; readonly startedMs: number },
): Promise<RunningPut | null> {
  const running = new Set(puts);
  const doneMs: number[] = [];
  const ends = new Map(
    puts.map((put) => [
      put,
      put.outcome.then(({ error }) => {
        running.delete(put);
        if (error === null) doneMs.push(clock.monotonicMs() - startedMs);
      }),
    ]),
  );
  // Told by whoever waits for all of them.
  for (const end of ends.values()) end.catch(() => undefined);
  while (running.size > 1) await Promise.race([...running].map((put) => ends.get(put)));
  const [last] = running;
  if (last === undefined || doneMs.length < DONE_MIN) return null;
  const patienceMs = patienceWith(doneMs) - (clock.monotonicMs() - startedMs);
  const isOver = patienceMs <= 0 || !(await endsWithin(clock, patienceMs, ends.get(last)!));
  return isOver ? last : null;
}

function patienceWith(doneMs: number[]): number {
  const middleMs = doneMs.sort((left, right) => left - right)[doneMs.length >> 1]!;
  return Math.min(Math.max(PATIENCE_FACTOR * middleMs, PATIENCE_MS_MIN), PATIENCE_MS_MAX);
}

async function endsWithin(clock: Clock, ms: number, end: Promise<void>): Promise<boolean> {
  let cancel = (): void => undefined;
  const over = new Promise<false>((resolve) => {
    cancel = clock.schedule(ms, () => resolve(false));
  });
  try {
    return await Promise.race([over, end.then(() => true)]);
  } finally {
    cancel();
  }
}

/** Nobody waits for the broker's answer when the slow host answers first. */
async function spareFor(
  { permission, outcome }: RunningPut,
  permissions: readonly PutPermission[],
  { askSpare }: HedgedPutsOptions,
): Promise<PutPermission | null> {
  const asked = askSpare(
    permission.index,
    permissions.map(({ host }) => host.peerId),
  );
  const spare = await Promise.race([asked, outcome.then(({ error }) => (error === null ? null : asked))]);
  // Should it come too late, or fail: its token is not used, and ends by itself.
  asked.catch(() => undefined);
  return spare;
}

/** Let two hosts race for a shard, and cut off the one that has lost. Returns the spare put. */
async function race(slow: RunningPut, spare: RunningPut, budget: HedgeBudget): Promise<RunningPut> {
  const won = ({ outcome }: RunningPut): Promise<boolean> => outcome.then(({ error }) => error === null);
  const first = await Promise.race([slow.outcome.then(() => slow), spare.outcome.then(() => spare)]);
  const second = first === slow ? spare : slow;
  const winner = (await won(first)) ? first : second;
  if (!(await won(winner))) return spare;
  (winner === slow ? spare : slow).stop.abort();
  if (winner === spare) budget.lost(slow.permission.host.peerId);
  return spare;
}
