// The responder (T2, T4): load spreads by the random wait alone; nobody speaks when all was found, nor twice to one need.
import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { LAN_APPROVAL_LATE_MS, LAN_RULES, type LanMessage, LanRequester, type ShelfProgress } from '#peer-link';
import { FakeClock, openLog } from '#process';
import { encodeBase64url, type PeerId, ProtocolError } from '#protocol';
import { HUB_DOMAIN, LanHub } from '../../../../libs/peer-link/src/lan/testing/lan-hub.js';
import { decideAnswer } from './decide-answer.js';
import type { Holdings } from './lan-holdings.js';
import { LanResponder } from './lan-responder.js';

const STEP_MS = 10;
let clock: FakeClock;
let hub: LanHub;
let seed: number;

beforeEach(() => {
  clock = new FakeClock(1_795_000_000_000);
  hub = new LanHub(clock);
  seed = 20261122;
});

/** mulberry32: the same numbers in each run. */
function random(): number {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}

const everything: Holdings = { has: async () => true, progressOf: async () => null };

async function responder(
  holdings: Holdings,
  approve: (claims: { hostId: PeerId; alias: string; taskId: string }) => Promise<string> = async (claims) =>
    hub.approve(claims),
): Promise<{ peerId: PeerId; responder: LanResponder }> {
  const peerId = hub.newPeerId();
  const channel = hub.channel(peerId);
  await channel.open();
  const made = new LanResponder({
    channel,
    holdings: new Map([['get', holdings]]),
    approve: (request) => approve({ hostId: peerId, ...request }),
    aliasTowards: () => '10.0.0.9:6515',
    rules: LAN_RULES,
    random,
    nowMs: () => clock.nowMs(),
    clock,
    log: openLog('test', 'silent'),
  });
  return { peerId, responder: made };
}

function requester(): LanRequester {
  return new LanRequester({
    channel: hub.channel(),
    approvalKeys: () => hub.signingKeys,
    trustDomain: HUB_DOMAIN,
    nowMs: () => clock.nowMs(),
    clock,
  });
}

/** Turn the clock until the call has ended, everybody having a turn in between. */
async function turning<T>(call: Promise<T>): Promise<T> {
  let hasEnded = false;
  void call.finally(() => {
    hasEnded = true;
  });
  for (let i = 0; i < 10_000 && !hasEnded; i++) {
    for (let turn = 0; turn < 8; turn++) await Promise.resolve();
    clock.advance(STEP_MS);
  }
  return call;
}

describe('responders on a local network', { timeout: 60_000 }, () => {
  it('50 that hold one object share 200 requests: none answers more than three times its share (T2)', async () => {
    const all = await Promise.all(Array.from({ length: 50 }, () => responder(everything)));
    const asker = requester();
    const subject = encodeBase64url(randomBytes(32));
    const chosen = new Map<PeerId, number>();
    for (let i = 0; i < 200; i++) {
      const offers = await turning(asker.ask({ method: 'get', subjects: [subject] }));
      const { peerId } = offers.get(subject)!;
      chosen.set(peerId, (chosen.get(peerId) ?? 0) + 1);
    }
    expect([...chosen.values()].reduce((sum, count) => sum + count, 0)).toBe(200);
    expect(Math.max(...chosen.values())).toBeLessThanOrEqual(3 * (200 / 50));
    // Hardly anybody speaks for nothing: those who drew the same moment alone.
    const spoken = all.reduce((sum, one) => sum + one.responder.answers, 0);
    expect(spoken).toBeLessThan(2 * 200);
  });

  it('say nothing when all was found, to a need that is sent again, or when they have nothing (T2, T6)', async () => {
    const { responder: holder } = await responder(everything);
    const { responder: empty } = await responder({ has: async () => false, progressOf: async () => null });
    const channel = hub.channel();
    await channel.open();
    const taskId = encodeBase64url(randomBytes(16));
    const subjects = [encodeBase64url(randomBytes(32))];
    const later = (): Promise<void> => turning(new Promise((resolve) => clock.schedule(5_000, () => resolve())));
    channel.say({ type: 'need', method: 'get', taskId, subjects });
    channel.say({ type: 'found', method: 'get', taskId, which: [0] });
    await later();
    expect(holder.answers).toBe(0);
    channel.say({ type: 'need', method: 'get', taskId: encodeBase64url(randomBytes(16)), subjects });
    await later();
    expect(holder.answers).toBe(1);
    for (let i = 0; i < 50; i++) hub.medium().send(hub.sent.at(-2)!);
    await later();
    expect(holder.answers).toBe(1);
    expect(empty.answers).toBe(0);
  });

  it('does not answer what was said before it began: the process before may have answered it (T6)', async () => {
    const channel = hub.channel();
    await channel.open();
    const taskId = encodeBase64url(randomBytes(16));
    channel.say({ type: 'need', method: 'get', taskId, subjects: [encodeBase64url(randomBytes(32))] });
    clock.advance(1_000);
    const { responder: begun } = await responder(everything);
    hub.medium().send(hub.sent[0]!);
    await turning(new Promise<void>((resolve) => clock.schedule(5_000, () => resolve())));
    expect(begun.answers).toBe(0);
  });

  it('one that is downloading says so, how far it is, and that it has it in the end (T4)', async () => {
    let progress: ShelfProgress | null = { doneBytes: 0, totalBytes: 100 };
    let isHere = false;
    const { peerId } = await responder({ has: async () => isHere, progressOf: async () => progress });
    for (let i = 1; i <= 5; i++) clock.schedule(1_000 * i, () => (progress = { doneBytes: 20 * i, totalBytes: 100 }));
    clock.schedule(6_000, () => {
      isHere = true;
      progress = null;
    });
    const subject = encodeBase64url(randomBytes(32));
    const shown: number[] = [];
    const asked = requester().ask({
      method: 'get',
      subjects: [subject],
      onProgress: ({ doneBytes }) => shown.push(doneBytes),
    });
    const offers = await turning(asked);
    expect(offers.get(subject)).toMatchObject({ peerId });
    expect(shown.length).toBeGreaterThanOrEqual(4);
    expect(shown).toEqual([...shown].sort((a, b) => a - b));
  });

  it('says it without approval where the broker is away, and nothing where it refuses (T8)', async () => {
    const heard: LanMessage[] = [];
    const channel = hub.channel();
    await channel.open();
    channel.listen((message) => heard.push(message));
    const away = await responder(everything, async () => {
      throw new ProtocolError('broker_unreachable');
    });
    const refused = await responder(everything, async () => {
      throw new ProtocolError('alias_refused');
    });
    const subjects = [encodeBase64url(randomBytes(32))];
    channel.say({ type: 'need', method: 'get', taskId: encodeBase64url(randomBytes(16)), subjects });
    await turning(new Promise<void>((resolve) => clock.schedule(5_000, () => resolve())));
    expect(away.responder.answers).toBe(1);
    expect(refused.responder.answers).toBe(0);
    expect(heard).toMatchObject([{ type: 'have', approval: null, which: [0] }]);
  });
});

describe('a broker that does not answer', () => {
  /** Answers of one that holds everything, where the approval comes so long after the need. */
  const answersBy = async (approvalMs: number): Promise<{ approved: boolean; afterMs: number }[]> => {
    const heard: { approved: boolean; afterMs: number }[] = [];
    const channel = hub.channel();
    await channel.open();
    const startedMs = clock.monotonicMs();
    channel.listen((message) => {
      if (message.type !== 'have') return;
      heard.push({ approved: message.approval !== null, afterMs: clock.monotonicMs() - startedMs });
    });
    await responder(everything, async (claims) => {
      await new Promise<void>((resolve) => clock.schedule(approvalMs, resolve));
      return hub.approve(claims);
    });
    const subjects = [encodeBase64url(randomBytes(32))];
    channel.say({ type: 'need', method: 'get', taskId: encodeBase64url(randomBytes(16)), subjects });
    await turning(new Promise<void>((resolve) => clock.schedule(90_000, () => resolve())));
    return heard;
  };
  const mayListenMs = LAN_RULES.requestMs + LAN_RULES.progressWaitMsMax;

  it('keeps nobody waiting who needs no approval, and is heard when it answers after all (T3, T8)', async () => {
    const [plain, approved, ...more] = await answersBy(5_000);
    expect(plain!.approved).toBe(false);
    expect(plain!.afterMs).toBeLessThan(LAN_RULES.answerWaitMsMax + LAN_APPROVAL_LATE_MS + 2 * STEP_MS);
    expect(approved!.approved).toBe(true);
    expect(more).toEqual([]);
  });

  it('is not heard any more when nobody can be listening', async () => {
    expect(await answersBy(mayListenMs)).toMatchObject([{ approved: false }]);
  });

  it('is waited for shortly, and then the answer is one', async () => {
    expect(await answersBy(LAN_APPROVAL_LATE_MS / 2)).toMatchObject([{ approved: true }]);
  });
});

describe('decideAnswer', () => {
  it('plans within the wait, asks the broker shortly before, and has nothing to say of nothing', () => {
    const have = { have: [0], downloading: [] };
    expect(decideAnswer({ have: [], downloading: [] }, 0.5, LAN_RULES)).toBeNull();
    expect(decideAnswer(have, 0, LAN_RULES)).toMatchObject({ answerAfterMs: 0, approvalAfterMs: 0 });
    expect(decideAnswer(have, 0.5, LAN_RULES)).toMatchObject({ answerAfterMs: 1_000, approvalAfterMs: 600 });
    expect(decideAnswer(have, 0.999_999, LAN_RULES)!.answerAfterMs).toBeLessThan(LAN_RULES.answerWaitMsMax);
  });
});
