// Test mode: a broker that tells the answers of its own CAPTCHA, for tests on this machine. Pure.
import { ProtocolError } from '#protocol';
import { plainAddress, rangeOf } from '../presence/judge-address.js';
import type { BrokerConfig } from './config.js';
import type { Policy } from './policy.js';

/**
 * A name is refused too, `localhost` as well: what it resolves to is decided elsewhere. A web address of its own and
 * trusted proxies say that others come through a reverse proxy, whose connections are from loopback themselves.
 *
 * throws   usage, with every fault in the detail, unless a test-mode broker is for this machine alone
 */
export function checkTestMode(
  { testMode = false, listen }: Pick<BrokerConfig, 'testMode' | 'listen'>,
  { webUrl, trustedProxies }: Pick<Policy, 'webUrl' | 'trustedProxies'>,
): void {
  if (!testMode) return;
  const faults: string[] = [];
  if (!isLoopback(listen.host)) faults.push(`it listens on 127.0.0.1 or [::1] only, not on ${listen.host}`);
  if (webUrl !== null && !isLoopback(new URL(webUrl).hostname.replace(/^\[|\]$/g, ''))) {
    faults.push(`webUrl of its policy is on 127.0.0.1 or [::1] or null, not ${webUrl}`);
  }
  if (trustedProxies.length > 0) faults.push('its policy trusts no proxies (trustedProxies)');
  if (faults.length === 0) return;
  const detail = `--test-mode gives away the answers of the CAPTCHA: ${faults.join('; ')}`;
  throw new ProtocolError('usage', {}, { detail });
}

function isLoopback(host: string): boolean {
  return rangeOf(plainAddress(host)) === 'loopback';
}
