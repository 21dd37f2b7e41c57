// B2: Turnstile and hCaptcha against a stand-in of their documented siteverify: once, for us alone, closed on any failure.
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '#process';
import { isRefusal } from '#protocol';
import type { HostedKind } from './captcha-policy.js';
import { HostedCaptcha } from './hosted-captcha.js';
import { SITE_VERIFY_ANSWER_BYTES_MAX, SITE_VERIFY_AT_ONCE_MAX, SITE_VERIFY_TIMEOUT_MS } from './limits.js';
import { SiteVerify } from './site-verify.js';
import { KeptLog } from './testing/kept-log.js';
import { SECRET, StandInService } from './testing/stand-in-service.js';

const HERE = '192.0.2.7';
const FIELDS = { turnstile: 'cf-turnstile-response', hcaptcha: 'h-captcha-response' } as const;
const KINDS = ['turnstile', 'hcaptcha'] as const;

let service: StandInService;
let clock: FakeClock;
let log: KeptLog;

beforeEach(async () => {
  service = await StandInService.start();
  clock = new FakeClock(1_800_000_000_000);
  log = new KeptLog();
});
afterEach(() => service.stop());

function captchaOf(kind: HostedKind, { hostname = null as string | null, secret = SECRET } = {}): HostedCaptcha {
  const siteVerify = new SiteVerify(service.url, clock, log, service.trusting);
  return new HostedCaptcha({ kind, siteKey: 'site-key', secret, hostname }, siteVerify);
}

async function codeOf(act: () => Promise<unknown>): Promise<string> {
  try {
    return String(await act());
  } catch (error) {
    if (isRefusal(error)) return error.code;
    throw error;
  }
}

const goodToken = (token = 'token'): string => {
  service.issued.set(token, { hostname: 'backup.example', action: 'register' });
  return token;
};

describe.each(KINDS)('%s (B2)', (kind) => {
  const verify = (token: string, options = {}, form = 'register'): Promise<string> =>
    codeOf(() => captchaOf(kind, options).verify(form, { [FIELDS[kind]]: token }, HERE));

  it('takes a token that the service vouches for, once', async () => {
    const token = goodToken();
    expect(await verify(token)).toBe('true');
    expect(await verify(token)).toBe('false');
    expect(service.received[0]).toEqual({
      path: 'POST /siteverify application/x-www-form-urlencoded',
      form: {
        secret: SECRET,
        response: token,
        remoteip: HERE,
        ...(kind === 'hcaptcha' ? { sitekey: 'site-key' } : {}),
      },
    });
  });

  it('refuses a token that the service does not know, and asks nothing without one', async () => {
    expect(await verify('made-up')).toBe('false');
    expect(service.received.length).toBe(1);
    expect(await verify('')).toBe('false');
    expect(await verify('x'.repeat(10_000))).toBe('false');
    expect(await codeOf(() => captchaOf(kind).verify('register', {}, HERE))).toBe('false');
    expect(service.received.length).toBe(1);
  });

  it('refuses a token of another site', async () => {
    expect(await verify(goodToken('a'), { hostname: 'backup.example' })).toBe('true');
    expect(await verify(goodToken('b'), { hostname: 'other.example' })).toBe('false');
  });

  it.each([
    ['null', '{"success":true,"action":"register","hostname":null}'],
    ['missing', '{"success":true,"action":"register"}'],
    ['empty', '{"success":true,"action":"register","hostname":""}'],
  ])('takes an answer whose hostname is %s as no proof for the host that is expected', async (_what, answer) => {
    service.instead = (response) => response.end(answer);
    expect(await verify('c', { hostname: 'backup.example' })).toBe('false');
    expect(await verify('d')).toBe('true');
    expect(log.lines).toEqual([]);
  });

  it('says captcha_unavailable when the service says that the fault is ours', async () => {
    expect(await verify(goodToken(), { secret: 'wrong' })).toBe('captcha_unavailable');
    expect(log.lines.join('\n')).toContain('captcha_service_failed');
    expect(log.lines.join('\n')).not.toContain('wrong');
  });

  it.each<[string, (response: ServerResponse) => void]>([
    ['an answer that is not JSON', (response) => response.end('<html>')],
    ['an answer without a yes or no', (response) => response.end('{"success":"true"}')],
    ['a failure of the service', (response) => response.writeHead(500).end('{"success":true}')],
    ['a redirect', (response) => response.writeHead(302, { location: service.url }).end()],
    ['a closed connection', (response) => response.destroy()],
    [
      'an answer without end',
      (response) => response.end(`{"success":true,"x":"${'x'.repeat(SITE_VERIFY_ANSWER_BYTES_MAX)}"}`),
    ],
  ])('says captcha_unavailable for %s, and lets nobody in', async (_what, instead) => {
    service.instead = instead;
    expect(await verify(goodToken())).toBe('captcha_unavailable');
    expect(service.received.length).toBe(1);
  });

  it('says captcha_unavailable when no answer comes in time', async () => {
    service.instead = () => undefined;
    const arrived = new Promise<void>((resolve) => {
      service.arrived = resolve;
    });
    const asked = verify(goodToken());
    await arrived;
    clock.advance(SITE_VERIFY_TIMEOUT_MS);
    expect(await asked).toBe('captcha_unavailable');
  });
});

describe('turnstile alone (B2)', () => {
  it('refuses a token that was made for another form', async () => {
    const ask = (form: string, token: string): Promise<boolean> =>
      captchaOf('turnstile').verify(form, { 'cf-turnstile-response': token }, HERE);
    expect(await ask('sign-in', goodToken('a'))).toBe(false);
    expect(await ask('register', goodToken('b'))).toBe(true);
  });
});

describe('SiteVerify', () => {
  it('asks only a service whose certificate is trusted', async () => {
    const distrusting = new SiteVerify(service.url, clock, log);
    expect(await codeOf(() => distrusting.ask({ secret: SECRET, response: goodToken() }))).toBe('captcha_unavailable');
    expect(service.received).toEqual([]);
  });

  it('refuses when too many questions run', async () => {
    service.instead = () => undefined;
    const siteVerify = new SiteVerify(service.url, clock, log, service.trusting);
    const asked = Array.from({ length: SITE_VERIFY_AT_ONCE_MAX }, () =>
      codeOf(() => siteVerify.ask({ response: 'x' })),
    );
    expect(await codeOf(() => siteVerify.ask({ response: 'x' }))).toBe('overloaded');
    clock.advance(SITE_VERIFY_TIMEOUT_MS);
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['captcha_unavailable']));
    service.instead = null;
    expect(await codeOf(() => siteVerify.ask({ secret: SECRET, response: 'x' }))).toBe('[object Object]');
  });
});

describe('the widget', () => {
  it.each(KINDS)('of %s names its site key and form, and only the sources it needs', async (kind) => {
    const view = await captchaOf(kind).challenge('register');
    expect(view.html).toContain('data-sitekey="site-key"');
    expect(view.html).toContain('data-action="register"');
    expect(view.html).toContain('<noscript>');
    expect(view.html).not.toContain(SECRET);
    const sources = [...view.scripts, ...Object.values(view.contentSecurity).flat()];
    for (const source of sources)
      expect(source).toMatch(/^https:\/\/(?:challenges\.cloudflare\.com|(?:js\.|\*\.)?hcaptcha\.com)/);
  });
});
