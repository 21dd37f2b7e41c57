// The requester (T1, T3, T4, T5, T8): takes the first good answer, says that it found it, waits for downloads and not for liars.
import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '#process';
import { type ApprovalClaims, encodeBase64url } from '#protocol';
import type { LanChannel } from './lan-channel.js';
import type { LanOrigin } from './lan-medium.js';
import type { LanMessage, NeedMessage } from './lan-message.js';
import { LanRequester } from './lan-requester.js';
import { LAN_BLACKLIST_MS, LAN_QUIET_MS, LAN_RULES } from './lan-rules.js';
import { HUB_DOMAIN, LanHub } from './testing/lan-hub.js';

const ALIAS = '10.0.0.7:6515';
const subjectsOf = (count: number) => Array.from({ length: count }, () => encodeBase64url(randomBytes(32)));

let clock: FakeClock;
let hub: LanHub;
let requester: LanRequester;
let heard: LanMessage[];

beforeEach(async () => {
  clock = new FakeClock(1_795_000_000_000);
  hub = new LanHub(clock);
  requester = newRequester();
  heard = [];
  const listener = hub.channel();
  await listener.open();
  listener.listen((message) => heard.push(message));
});

function newRequester(trusts?: () => boolean): LanRequester {
  return new LanRequester({
    channel: hub.channel(),
    approvalKeys: () => hub.signingKeys,
    trustDomain: HUB_DOMAIN,
    nowMs: () => clock.nowMs(),
    clock,
    ...(trusts !== undefined && { trusts }),
  });
}

/** A machine that answers each need as `answer` says. */
async function neighbour(answer: (need: NeedMessage, say: Say) => void): Promise<{ readonly say: Say }> {
  const peerId = hub.newPeerId();
  const channel = hub.channel(peerId);
  await channel.open();
  let asker: LanOrigin = { family: 'ipv4', address: '10.0.0.1', port: 1 };
  const say = sayer(channel, peerId, () => asker);
  channel.listen((message, from) => {
    if (message.type !== 'need') return;
    asker = from;
    answer(message, say);
  });
  return { say };
}

interface Say {
  readonly peerId: ReturnType<LanHub['newPeerId']>;
  have(need: NeedMessage, which: readonly number[], wrong?: Partial<ApprovalClaims> | string | null): void;
  progress(need: NeedMessage, which: readonly number[], doneBytes: number): void;
}

function sayer(channel: LanChannel, peerId: Say['peerId'], to: () => LanOrigin): Say {
  return {
    peerId,
    have({ taskId, method }, which, wrong = {}) {
      const claims = { hostId: peerId, alias: ALIAS, taskId };
      const approval = wrong === null || typeof wrong === 'string' ? wrong : hub.approve({ ...claims, ...wrong });
      channel.answer({ type: 'have', taskId, method, which, alias: ALIAS, approval }, to());
    },
    progress({ taskId, method }, which, doneBytes) {
      const type = doneBytes === 0 ? 'downloading' : 'progress';
      channel.answer({ type, taskId, method, which, doneBytes, totalBytes: 100 }, to());
    },
  };
}

/** Let so much time pass, a little at a time, so that what happens in between has its turn. */
async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 50) {
    clock.advance(Math.min(50, left));
    await Promise.resolve();
  }
}

async function outcome<T>(asking: Promise<T>, ms: number): Promise<T | 'waits'> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  await pass(ms);
  return Promise.race([asking, Promise.resolve('waits' as const)]);
}

describe('a requester', () => {
  it('takes the first good answer for each content, and says at once what was found (T3)', async () => {
    const subjects = subjectsOf(3);
    const first = await neighbour((need, say) => say.have(need, [0, 2]));
    const late = await neighbour((need, say) => clock.schedule(500, () => say.have(need, [0, 1])));
    const asking = requester.ask({ method: 'get', subjects });
    expect(await outcome(asking, 400)).toBe('waits');
    expect(heard.map(({ type }) => type)).toEqual(['need', 'found']);
    expect(heard[1]).toMatchObject({ which: [0, 2] });
    const offers = (await outcome(asking, 100)) as Map<string, unknown>;
    const at = { address: '10.0.0.7', port: 6515 };
    expect(offers.get(subjects[0]!)).toMatchObject({ ...at, peerId: first.say.peerId });
    expect(offers.get(subjects[1]!)).toMatchObject({ ...at, peerId: late.say.peerId });
    expect(offers.get(subjects[2]!)).toMatchObject({ ...at, peerId: first.say.peerId });
    expect(heard.at(-1)).toMatchObject({ type: 'found', which: [0, 1, 2] });
  });

  it('waits 2,200 ms and no longer, and asks nobody for a while after a silence (T3, T5)', async () => {
    const asking = requester.ask({ method: 'get', subjects: subjectsOf(1) });
    expect(await outcome(asking, LAN_RULES.requestMs - 1)).toBe('waits');
    expect(await outcome(asking, 1)).toEqual(new Map());
    const needs = () => heard.filter(({ type }) => type === 'need').length;
    const ask = () => requester.ask({ method: 'get', subjects: subjectsOf(1) });
    // One silence says little: that content may be nobody's.
    for (let i = 0; i < 3; i++) expect(await outcome(ask(), LAN_RULES.requestMs)).toEqual(new Map());
    expect(needs()).toBe(4);
    expect(await outcome(ask(), 0)).toEqual(new Map());
    expect(needs()).toBe(4);
    clock.advance(LAN_QUIET_MS);
    void ask();
    await outcome(asking, 0);
    expect(needs()).toBe(5);
  });

  it('has enough when as many were found as were wished', async () => {
    await neighbour((need, say) => say.have(need, [1, 2]));
    const asking = requester.ask({ method: 'get', subjects: subjectsOf(4), enough: 2 });
    expect(await outcome(asking, 0)).not.toBe('waits');
  });

  it('waits for one that is downloading as long as it goes on, and shows how far it is (T4)', async () => {
    const subjects = subjectsOf(1);
    const { say } = await neighbour((need) => {
      for (let i = 0; i <= 4; i++) clock.schedule(1_000 + 1_000 * i, () => say.progress(need, [0], 20 * i));
      clock.schedule(6_000, () => say.have(need, [0]));
    });
    const shown: number[] = [];
    const asking = requester.ask({ method: 'get', subjects, onProgress: ({ doneBytes }) => shown.push(doneBytes) });
    expect(await outcome(asking, 5_900)).toBe('waits');
    expect(shown).toEqual([0, 20, 40, 60, 80]);
    expect(((await outcome(asking, 100)) as Map<string, unknown>).size).toBe(1);
  });

  it('does not wait for one that says no more how far it is, nor for one that never ends (T4)', async () => {
    const silent = await neighbour((need) => clock.schedule(1_000, () => silent.say.progress(need, [0], 10)));
    expect(await outcome(requester.ask({ method: 'get', subjects: subjectsOf(1) }), 5_300)).toEqual(new Map());
    const endless = await neighbour((need) => {
      const go = (): void => {
        endless.say.progress(need, [0], 10);
        clock.schedule(1_000, go);
      };
      go();
    });
    const { requestMs, progressWaitMsMax } = LAN_RULES;
    const asking = requester.ask({ method: 'get', subjects: subjectsOf(1) });
    expect(await outcome(asking, progressWaitMsMax)).toBe('waits');
    expect(await outcome(asking, requestMs + LAN_RULES.progressMs)).toEqual(new Map());
  });

  const OTHER_TASK = encodeBase64url(new Uint8Array(16));
  it.each<[string, () => Partial<ApprovalClaims> | string, string]>([
    ['no approval of the broker', () => 'made.up.words', 'approval_invalid'],
    ['an approval of another domain', () => ({ trustDomain: 'other.test' }), 'approval_invalid'],
    ['an approval of another address', () => ({ alias: '10.0.0.8:6515' }), 'approval_wrong_alias'],
    ['an approval of another task', () => ({ taskId: OTHER_TASK }), 'approval_wrong_task'],
    ['an approval of another peer', () => ({ hostId: hub.newPeerId() }), 'approval_wrong_peer'],
    [
      'an old approval',
      () => ({ issuedAtMs: clock.nowMs() - 600_000, expiresAtMs: clock.nowMs() }),
      'approval_expired',
    ],
  ])('does not take %s: blacklisted in that task, noted, and the next answer counts (T8)', async (_, wrong, code) => {
    const subjects = subjectsOf(1);
    const liar = await neighbour((need, say) => {
      say.have(need, [0], wrong());
      // An honest answer of a liar comes too late for this task.
      clock.schedule(100, () => say.have(need, [0]));
    });
    const good = await neighbour((need, say) => clock.schedule(1_000, () => say.have(need, [0])));
    const offers = (await outcome(requester.ask({ method: 'get', subjects }), 1_000)) as Map<string, unknown>;
    expect(offers.get(subjects[0]!)).toMatchObject({ peerId: good.say.peerId });
    const { liars } = requester;
    expect(liars.takeReports()).toMatchObject([{ peerId: liar.say.peerId, code }]);
    expect(liars.takeReports()).toEqual([]);
  });

  it('listens to a liar again in another task, and after a time', async () => {
    let lies = true;
    const { say } = await neighbour((need) => say.have(need, [0], lies ? 'made.up.words' : {}));
    await outcome(requester.ask({ method: 'get', subjects: subjectsOf(1) }), LAN_RULES.requestMs);
    lies = false;
    clock.advance(LAN_QUIET_MS);
    const offers = await outcome(requester.ask({ method: 'get', subjects: subjectsOf(1) }), 0);
    expect((offers as Map<string, unknown>).size).toBe(1);
    const [report] = requester.liars.takeReports();
    expect(requester.liars.isListed(say.peerId, report!.taskId)).toBe(true);
    clock.advance(LAN_BLACKLIST_MS);
    expect(requester.liars.isListed(say.peerId, report!.taskId)).toBe(false);
  });

  it('takes no answer without approval, except from a neighbour that a token names already', async () => {
    await neighbour((need, say) => say.have(need, [0], null));
    const subjects = subjectsOf(1);
    expect(await outcome(requester.ask({ method: 'get', subjects }), LAN_RULES.requestMs)).toEqual(new Map());
    expect(requester.liars.takeReports()).toEqual([]);
    const trusting = newRequester(() => true);
    expect(((await outcome(trusting.ask({ method: 'get', subjects }), 0)) as Map<string, unknown>).size).toBe(1);
  });

  it('hears a datagram once: one that is sent again is dropped, and so is one of yesterday (T6)', async () => {
    await neighbour(() => undefined);
    void requester.ask({ method: 'get', subjects: subjectsOf(1) });
    await outcome(Promise.resolve(), 0);
    const needs = () => heard.filter(({ type }) => type === 'need').length;
    const [need] = hub.sent;
    for (let i = 0; i < 100; i++) hub.medium().send(need!);
    expect(needs()).toBe(1);
    // Forgotten by then, and too old to be heard.
    clock.advance(600_000);
    hub.medium().send(need!);
    expect(needs()).toBe(1);
  });
});
