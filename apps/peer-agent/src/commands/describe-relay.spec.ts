// What a person reads about relays in `status`.
import { describe, expect, it } from 'vitest';
import { peerIdOf } from '../../../../test/peer-fixture.js';
import type { RelayState } from '../relay-link/relay-state.js';
import { describeRelay, NO_RELAY, relayFrom } from './describe-relay.js';

const RELAY = { relayId: peerIdOf(50), address: '203.0.113.7', port: 8444 };
const state = (change: Partial<RelayState>): RelayState => ({
  isWanted: true,
  reason: 'not_reachable',
  relay: RELAY,
  sinceMs: Date.UTC(2026, 10, 20),
  attached: 1,
  lost: 0,
  failures: 0,
  code: null,
  ...change,
});
const text = (change: Partial<RelayState>): string => describeRelay(relayFrom(state(change)));

describe('the relay of a host', () => {
  it('is told with its place, its time and the reason', () => {
    expect(text({})).toBe(
      `203.0.113.7:8444 (${RELAY.relayId}) since 2026-11-20T00:00:00.000Z: the broker cannot connect to this machine`,
    );
  });

  it('that is missing is told with what went wrong', () => {
    expect(text({ relay: null, lost: 2, failures: 3, code: 'relay_unavailable' })).toBe(
      'none, though one is needed: the broker cannot connect to this machine; lost its relay 2 times so far; 3 tries failed (relay_unavailable)',
    );
  });

  it('that is not needed is told with the reason', () => {
    expect(text({ isWanted: false, reason: 'reachable', relay: null })).toMatch(/^none: .* without one$/);
    expect(describeRelay(NO_RELAY)).toBe('none: nothing is known yet');
  });
});
