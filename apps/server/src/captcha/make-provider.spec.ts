// B2: the policy chooses the CAPTCHA; what it asks for is asked for in full, and a policy that cannot work is refused.

import { describe, expect, it } from 'vitest';
import { FakeClock, openLog } from '#process';
import { isRefusal } from '#protocol';
import { parsePolicy } from '../config/policy.js';
import type { CaptchaPolicy } from './captcha-policy.js';
import type { CaptchaProvider } from './captcha-provider.js';
import { ChallengeStore } from './challenge-store.js';
import { EveryCaptcha } from './every-captcha.js';
import { makeProvider } from './make-provider.js';
import { PictureCaptcha, type PictureSecret } from './picture-captcha.js';

const HERE = '192.0.2.1';
const clock = new FakeClock(1_800_000_000_000);
const log = openLog('test', 'silent');
const picture = (): PictureCaptcha => new PictureCaptcha(new ChallengeStore<PictureSecret>(clock, 300_000));
const policyOf = (captcha: object): CaptchaPolicy => parsePolicy({ captcha }).captcha;
const idsIn = (html: string): string[] => [...html.matchAll(/name="captcha-id" value="([^"]+)"/g)].map(([, id]) => id!);

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (isRefusal(error)) return error.code;
    throw error;
  }
  return 'taken';
}

describe('the captcha policy (B2)', () => {
  it('is a picture for five minutes when nothing is written', () => {
    expect(parsePolicy({}).captcha).toMatchObject({ kinds: ['picture'], challengeLifeMs: 300_000 });
    expect(policyOf({ kinds: ['picture', 'proof-of-work'] }).challengeLifeMs).toBe(300_000);
  });

  it.each([
    [{ kinds: [] }],
    [{ kinds: ['picture', 'picture'] }],
    [{ kinds: ['turnstile', 'hcaptcha'], siteKey: 'key' }],
    [{ kinds: ['turnstile'] }],
    [{ kinds: ['turnstile'], siteKey: '"><script>' }],
    [{ kinds: ['turnstile'], siteKey: 'key', siteVerifyUrl: 'http://127.0.0.1/siteverify' }],
    [{ kinds: ['none'] }],
    [{ challengeLifeMs: 1 }],
  ])('refuses %j', (captcha) => {
    expect(codeOf(() => policyOf(captcha))).toBe('policy_invalid');
  });
});

describe('makeProvider', () => {
  it('refuses an outside service without its secret', () => {
    const policy = policyOf({ kinds: ['turnstile'], siteKey: 'key' });
    expect(codeOf(() => makeProvider({ policy, secret: null, clock, log, picture: picture() }))).toBe('usage');
    expect(codeOf(() => makeProvider({ policy, secret: 'secret', clock, log, picture: picture() }))).toBe('taken');
  });

  it('asks for everything that the policy names', async () => {
    const pictures = picture();
    const policy = policyOf({ kinds: ['picture', 'proof-of-work', 'turnstile'], siteKey: 'key' });
    const view = await makeProvider({ policy, secret: 'secret', clock, log, picture: pictures }).challenge(
      'register',
      HERE,
    );
    for (const part of ['captcha-answer', '<altcha-widget', 'cf-turnstile']) expect(view.html).toContain(part);
    expect(view.scripts.length).toBe(2);
    expect(view.contentSecurity.frameSrc).toEqual(['https://challenges.cloudflare.com']);
  });

  it('is not passed by the picture alone when a proof of work is asked for too', async () => {
    const pictures = picture();
    const policy = policyOf({ kinds: ['picture', 'proof-of-work'] });
    const provider = makeProvider({ policy, secret: null, clock, log, picture: pictures });
    const [id = ''] = idsIn((await provider.challenge('register', HERE)).html);
    const fields = { 'captcha-id': id, 'captcha-answer': pictures.answerOf(id) };
    expect(await provider.verify('register', fields, HERE)).toBe(false);
  });
});

describe('EveryCaptcha', () => {
  it('is passed by all, and uses up all when one is answered wrongly', async () => {
    const [first, second] = [picture(), picture()];
    const every: CaptchaProvider = new EveryCaptcha([first, second]);
    const open = async (provider: CaptchaProvider): Promise<string> =>
      idsIn((await provider.challenge('enrol', HERE)).html)[0]!;
    const id = await open(first);
    const right = { 'captcha-id': id, 'captcha-answer': first.answerOf(id) };
    // The second knows no such id: it says no, and the first is used up all the same.
    expect(await every.verify('enrol', right, HERE)).toBe(false);
    expect(await first.verify('enrol', right)).toBe(false);
    const again = await open(first);
    const passed = { 'captcha-id': again, 'captcha-answer': first.answerOf(again) };
    expect(await new EveryCaptcha([first]).verify('enrol', passed, HERE)).toBe(true);
  });
});
