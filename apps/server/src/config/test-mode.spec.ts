// Who may start a broker that tells the answers of its CAPTCHA: this machine, for itself (B2).
import { describe, expect, it } from 'vitest';
import { isRefusal } from '#protocol';
import { parsePolicy } from './policy.js';
import { checkTestMode } from './test-mode.js';

/** The code and text of the refusal, or null. */
function refusalOf(policy: object, { testMode = true, host = '127.0.0.1' } = {}): [string, string] | null {
  try {
    checkTestMode({ testMode, listen: { host, port: 0 } }, parsePolicy(policy));
  } catch (error) {
    if (isRefusal(error)) return [error.code, error.message];
    throw error;
  }
  return null;
}

describe('test mode', () => {
  it.each([{}, { webUrl: 'https://127.0.0.1:8443' }, { webUrl: 'https://[::1]' }])('starts with %o', (policy) => {
    expect(refusalOf(policy)).toBeNull();
  });

  it.each([
    'https://backup.example',
    'https://localhost',
    'https://127.0.0.1.backup.example',
    'https://10.0.0.1',
    'https://[2001:db8::1]:8443',
  ])('does not start when people are to reach it at %s', (webUrl) => {
    expect(refusalOf({ webUrl })?.[0]).toBe('usage');
    expect(refusalOf({ webUrl }, { testMode: false })).toBeNull();
  });

  it.each(['127.0.0.0/8', '10.0.0.0/8', '::1/128'])('does not start behind a proxy at %s', (proxy) => {
    expect(refusalOf({ trustedProxies: [proxy] })?.[0]).toBe('usage');
    expect(refusalOf({ trustedProxies: [proxy] }, { testMode: false })).toBeNull();
  });

  it('tells every fault at once', () => {
    const policy = { webUrl: 'https://backup.example', trustedProxies: ['10.0.0.0/8'] };
    const [code, detail] = refusalOf(policy, { host: '0.0.0.0' })!;
    expect(code).toBe('usage');
    for (const name of ['0.0.0.0', 'webUrl', 'trustedProxies']) expect(detail).toContain(name);
  });
});
