// Test mode: a broker that tells the answers of its own CAPTCHA, for tests on this machine. Pure.
import { ProtocolError } from '#protocol';
import { plainAddress, rangeOf } from '../presence/judge-address.js';
import type { BrokerConfig } from './config.js';

/**
 * A name is refused too, `localhost` as well: what it resolves to is decided elsewhere.
 *
 * throws   usage unless the listener of a test-mode broker is an address of loopback
 */
export function checkTestMode({ testMode = false, listen }: BrokerConfig): void {
  if (!testMode || rangeOf(plainAddress(listen.host)) === 'loopback') return;
  const detail = `--test-mode gives away the answers of the CAPTCHA: it listens on 127.0.0.1 or [::1] only, not on ${listen.host}`;
  throw new ProtocolError('usage', {}, { detail });
}
