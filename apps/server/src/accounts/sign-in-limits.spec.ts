// Wrong passwords: how many are taken, from whom, and that strangers cannot lock an owner out.
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FakeClock } from '#process';
import { isRefusal } from '#protocol';
import { parsePolicy } from '../config/policy.js';
import { PASSWORDS_WAITING_MAX } from '../limits.js';
import { Settings } from '../platform/settings.js';
import { BrokerFixture } from '../testing/broker-fixture.js';
import { PASSWORD, type SentFields, signedIn, type WebAnswer, WebVisitor } from '../testing/web-visitor.js';
import { type Email, parseEmail } from './email.js';
import { FailureWindows } from './failure-windows.js';
import { HashingThread } from './hashing-thread.js';
import { SignInLimits } from './sign-in-limits.js';

const MINUTE_MS = 60_000;
const email = parseEmail('ada@example.org') as Email;

describe('FailureWindows', () => {
  it('slide, tell how long to wait, and take a failure back', () => {
    const windows = new FailureWindows(1_000, 10);
    for (const atMs of [0, 400, 800]) windows.add('a', atMs, 3);
    expect([windows.count('a', 900), windows.waitMs('a', 3, 900), windows.waitMs('a', 2, 900)]).toEqual([3, 100, 500]);
    expect([windows.count('a', 1_000), windows.waitMs('a', 3, 1_000)]).toEqual([2, 0]);
    windows.takeBack('a', 800);
    expect(windows.count('a', 1_000)).toBe(1);
    expect(windows.count('a', 5_000)).toBe(0);
  });

  it('are bounded in keys and in times, and say when they are full', () => {
    const windows = new FailureWindows(1_000, 2);
    for (let i = 0; i < 100; i++) windows.add('a', i, 5);
    expect(windows.timesOf('a')).toEqual([95, 96, 97, 98, 99]);
    windows.add('b', 500, 5);
    expect(windows.isFull(500)).toBe(true);
    windows.add('c', 500, 5);
    expect(windows.count('c', 500)).toBe(0);
    windows.add('a', 600, 5);
    // The oldest goes first, and `a` was renewed.
    expect(windows.isFull(1_550)).toBe(false);
    windows.add('c', 1_550, 5);
    expect([windows.count('a', 1_550), windows.count('b', 1_550), windows.count('c', 1_550)]).toEqual([1, 0, 1]);
  });
});

describe('SignInLimits', () => {
  const policy = {
    captchaAfterFailures: 2,
    failuresMax: 3,
    networkFailuresMax: 5,
    accountFailuresMax: 4,
    windowMs: MINUTE_MS,
  };

  function limitsOf(signIn: object = policy): { clock: FakeClock; limits: SignInLimits } {
    const clock = new FakeClock(0);
    return { clock, limits: new SignInLimits(clock, new Settings(parsePolicy({ signIn }), 'test.example', 0, [])) };
  }

  const codeOf = (run: () => unknown): string => {
    try {
      run();
    } catch (error) {
      if (isRefusal(error)) return `${error.code} ${error.facts.retryAfterSeconds}`;
      throw error;
    }
    return 'passed';
  };

  it('hold per account and network, and give way with time', () => {
    const { clock, limits } = limitsOf();
    const here = { email, network: 'n1' };
    for (let i = 0; i < 3; i++) limits.begin(here, false);
    expect(codeOf(() => limits.begin(here, true))).toBe('rate_exceeded 60');
    expect(codeOf(() => limits.begin({ ...here, network: 'n2' }, false))).toBe('passed');
    clock.advance(MINUTE_MS);
    expect(codeOf(() => limits.begin(here, true))).toBe('passed');
  });

  it('hold per network, whichever the accounts', () => {
    const { limits } = limitsOf();
    for (let i = 0; i < 5; i++) limits.begin({ email: `a${i}@example.org` as Email, network: 'n1' }, false);
    expect(codeOf(() => limits.begin({ email, network: 'n1' }, true))).toBe('rate_exceeded 60');
    expect(limits.needsCaptchaAnyway('n1')).toBe(true);
    expect(limits.needsCaptchaAnyway('n2')).toBe(false);
  });

  it('hold per account from everywhere, but not where it has signed in before', () => {
    const { limits } = limitsOf();
    for (let i = 0; i < 4; i++) limits.begin({ email, network: `n${i}` }, false);
    expect(codeOf(() => limits.begin({ email, network: 'n9' }, false))).toBe('rate_exceeded 86400');
    expect(limits.needsCaptcha({ email, network: 'home' })).toBe(true);
    expect(codeOf(() => limits.begin({ email, network: 'home' }, true))).toBe('passed');
  });

  it("forget the owner's own slips when the sign-in succeeds, not those of others", () => {
    const { limits } = limitsOf();
    limits.begin({ email, network: 'elsewhere' }, false);
    limits.begin({ email, network: 'home' }, false);
    limits.succeeded(limits.begin({ email, network: 'home' }, false));
    expect(limits.needsCaptcha({ email, network: 'home' })).toBe(false);
    limits.begin({ email, network: 'elsewhere' }, false);
    expect(limits.needsCaptcha({ email, network: 'home' })).toBe(true);
  });

  it('ask everybody for a CAPTCHA when no more can be remembered', () => {
    const { limits } = limitsOf();
    const full = vi.spyOn(FailureWindows.prototype, 'isFull').mockReturnValue(true);
    expect(limits.needsCaptcha({ email, network: 'n1' })).toBe(true);
    full.mockRestore();
    expect(limits.needsCaptcha({ email, network: 'n1' })).toBe(false);
  });
});

describe('the sign-in page', () => {
  const fixtures: BrokerFixture[] = [];
  const visitors: WebVisitor[] = [];

  afterEach(async () => {
    vi.restoreAllMocks();
    await Promise.all(visitors.splice(0).map((visitor) => visitor.leave()));
    await Promise.all(fixtures.splice(0).map((fixture) => fixture.remove()));
  });

  async function start(signIn: object): Promise<BrokerFixture> {
    const fixture = await BrokerFixture.start({ signIn }, { testMode: true });
    fixtures.push(fixture);
    return fixture;
  }

  async function come(fixture: BrokerFixture, address: string): Promise<WebVisitor> {
    const visitor = await WebVisitor.come(fixture, address);
    visitors.push(visitor);
    return visitor;
  }

  const guess = (visitor: WebVisitor, fields: object = {}): Promise<WebAnswer> =>
    trySignIn(visitor, { email, password: 'a wrong password', ...fields });

  /** Once more with the CAPTCHA, if the first answer asks for it. */
  async function trySignIn(visitor: WebVisitor, fields: SentFields): Promise<WebAnswer> {
    const answer = await visitor.submit('/sign-in', fields);
    return answer.text.includes('Please answer the question') ? visitor.fillIn(answer, fields) : answer;
  }

  it.each(['ada@example.org', 'nobody@example.org'])(
    'asks for a CAPTCHA after failures of %s, then for patience',
    async (who) => {
      const fixture = await start({ captchaAfterFailures: 2, failuresMax: 4 });
      visitors.push(await signedIn(fixture, 'ada@example.org', '127.2.0.1'));
      const attacker = await come(fixture, '127.113.0.1');
      const captchas: boolean[] = [];
      for (let i = 0; i < 4; i++) {
        const answer = await guess(attacker, { email: who });
        expect(answer.text).toContain('The e-mail address or the password is wrong.');
        captchas.push(answer.text.includes('/captcha/'));
      }
      expect(captchas).toEqual([false, true, true, true]);
      const refused = await guess(attacker, { email: who });
      expect([refused.status, refused.headers['retry-after']]).toEqual([429, String(15 * 60)]);
      fixture.clock.advance(15 * MINUTE_MS);
      expect((await guess(attacker, { email: who })).status).toBe(403);
    },
  );

  it('takes no password without the CAPTCHA once it is asked for', async () => {
    const fixture = await start({ captchaAfterFailures: 1 });
    const owner = await signedIn(fixture, email, '127.2.0.1');
    visitors.push(owner);
    await guess(owner);
    const hashing = vi.spyOn(HashingThread.prototype, 'hash');
    const unsolved = await owner.submit('/sign-in', { email, password: PASSWORD, 'captcha-answer': '00000' });
    expect(unsolved.status).toBe(403);
    expect(hashing).not.toHaveBeenCalled();
    expect((await owner.submit('/sign-in', { email, password: PASSWORD })).status).toBe(303);
  });

  it('lets the owner in from home while strangers have used up the limit of the account', async () => {
    const fixture = await start({ captchaAfterFailures: 1, failuresMax: 2, accountFailuresMax: 4 });
    const home = await signedIn(fixture, email, '127.2.0.1');
    visitors.push(home);
    for (const address of ['127.113.0.1', '127.113.0.2', '127.113.0.3', '127.113.0.4']) {
      expect((await guess(await come(fixture, address))).status).toBe(403);
    }
    const stranger = await come(fixture, '127.113.0.5');
    expect((await trySignIn(stranger, { email, password: PASSWORD })).status).toBe(429);
    expect((await trySignIn(home, { email, password: PASSWORD })).status).toBe(303);
    const newBrowser = await come(fixture, '127.2.0.1');
    expect((await trySignIn(newBrowser, { email, password: PASSWORD })).status).toBe(303);
  });

  it('counts attempts that come at once, so that a crowd of them gets no more', async () => {
    const fixture = await start({ captchaAfterFailures: 4, failuresMax: 4 });
    const attacker = await come(fixture, '127.113.0.1');
    const shown = await attacker.get('/sign-in');
    const form_token = /name="form_token" value="([^"]+)"/.exec(shown.text)![1]!;
    const hashing = vi.spyOn(HashingThread.prototype, 'hash');
    await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        attacker.post('/sign-in', { email, password: `guess number ${i}`, form_token }),
      ),
    );
    expect(hashing.mock.calls.length).toBe(4);
  });

  it('believes X-Forwarded-For from nobody by default', async () => {
    const fixture = await start({ captchaAfterFailures: 2, failuresMax: 2 });
    const attacker = await come(fixture, '127.113.0.1');
    const from = (address: string): Promise<WebAnswer> =>
      attacker.submit('/sign-in', { email, password: 'a wrong password' }, { 'x-forwarded-for': address });
    for (const address of ['203.0.113.1', '203.0.113.2']) expect((await from(address)).status).toBe(403);
    expect((await from('203.0.113.3')).status).toBe(429);
  });

  it('says when too many passwords wait, and does not hold it against anybody', async () => {
    const fixture = await start({ captchaAfterFailures: 1 });
    const owner = await signedIn(fixture, email, '127.2.0.1');
    visitors.push(owner);
    const hashing = vi.spyOn(HashingThread.prototype, 'hash');
    await owner.submit('/sign-in', { email, password: PASSWORD });
    const thread = hashing.mock.contexts[0] as HashingThread;
    const parameters = { memoryKib: 4_096, passes: 4, lanes: 1 };
    const job = { password: 'x', salt: new Uint8Array(16), parameters };
    // One runs, the others wait.
    const crowd = Array.from({ length: PASSWORDS_WAITING_MAX + 1 }, () => thread.hash(job));
    const refused = await owner.post('/sign-in', { email, password: PASSWORD, form_token: await tokenOf(owner) });
    const [status, retryAfter, asked] = [
      refused.status,
      refused.headers['retry-after'],
      refused.text.includes('/captcha/'),
    ];
    expect([status, retryAfter, asked]).toEqual([503, '5', false]);
    await Promise.all(crowd);
    const again = await owner.post('/sign-in', { email, password: PASSWORD, form_token: await tokenOf(owner) });
    expect(again.status).toBe(303);
  });

  async function tokenOf(visitor: WebVisitor): Promise<string> {
    return /name="form_token" value="([^"]+)"/.exec((await visitor.get('/sign-in')).text)![1]!;
  }
});

describe('HashingThread', () => {
  it('is bounded, and goes on after a job that cannot be done', async () => {
    const thread = new HashingThread();
    const parameters = { memoryKib: 64, passes: 1, lanes: 1 };
    const job = { password: 'x', salt: new Uint8Array(16), parameters };
    const jobs = Array.from({ length: PASSWORDS_WAITING_MAX + 3 }, () => thread.hash(job));
    const outcomes = await Promise.allSettled(jobs);
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused.map(({ reason }) => isRefusal(reason, 'overloaded'))).toEqual([true, true]);
    await expect(thread.hash({ ...job, parameters: { ...parameters, memoryKib: 0 } })).rejects.toBeDefined();
    expect(Buffer.from(await thread.hash(job)).toString('hex')).toMatch(/^[0-9a-f]{64}$/);
    await thread.close();
  });

  it('tells whoever waits that the broker stops', async () => {
    const thread = new HashingThread();
    const job = { password: 'x', salt: new Uint8Array(16), parameters: { memoryKib: 19_456, passes: 2, lanes: 1 } };
    const outcomes = Promise.allSettled([thread.hash(job), thread.hash(job)]);
    await thread.close();
    for (const outcome of await outcomes) {
      expect(outcome.status === 'rejected' && isRefusal(outcome.reason, 'stopping')).toBe(true);
    }
  });

  it('takes no harm from an answer that was on its way when it was closed', async () => {
    // The worker puts its answer into the queue of this thread while this thread is busy.
    const messages = vi.spyOn(Worker.prototype, 'on');
    const thread = new HashingThread();
    const job = { password: 'x', salt: new Uint8Array(16), parameters: { memoryKib: 64, passes: 1, lanes: 1 } };
    const outcome = Promise.allSettled([thread.hash(job)]);
    const answer = messages.mock.calls.find(([event]) => event === 'message')![1];
    await thread.close();
    expect(() => answer({ hash: new Uint8Array(32) })).not.toThrow();
    expect((await outcome)[0]).toMatchObject({ status: 'rejected' });
  });

  it('gives the hash of the reference implementation', async () => {
    // From the test file of the reference implementation (phc-winner-argon2, test.c): t=2, m=2^16, p=1. RFC 9106's own
    // vector has a secret and associated data, which passwords here have not.
    const thread = new HashingThread();
    const salt = new TextEncoder().encode('somesalt');
    const hash = await thread.hash({
      password: 'password',
      salt,
      parameters: { memoryKib: 65_536, passes: 2, lanes: 1 },
    });
    expect(Buffer.from(hash).toString('hex')).toBe('09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7');
    await thread.close();
  });
});
