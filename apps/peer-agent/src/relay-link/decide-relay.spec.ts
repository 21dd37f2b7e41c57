// When a peer wants a relay (F1): at once when it is not reached, and no longer only after it was reached for a while.
import { describe, expect, it } from 'vitest';
import { RELAY_DIRECT_MS } from '../limits.js';
import { decideRelay, type RelayFacts } from './decide-relay.js';

const decide = (facts: Partial<RelayFacts>) =>
  decideRelay({ mode: 'auto', isWanted: false, direct: null, directSinceMs: 0, nowMs: 0, ...facts });
const wanted = (reason: string) => ({ isWanted: true, reason });
const unwanted = (reason: string) => ({ isWanted: false, reason });

describe('a peer', () => {
  it.each<[string, Partial<RelayFacts>, object]>([
    ['never, whatever the broker says', { mode: 'never', direct: false, isWanted: true }, unwanted('never')],
    ['always, whatever the broker says', { mode: 'always', direct: true }, wanted('always')],
    ['not before the broker said something', {}, unwanted('not_known')],
    ['not while it is reached', { direct: true }, unwanted('reachable')],
    ['as soon as it is not reached', { direct: false }, wanted('not_reachable')],
    ['after a restart, until it is known better', { isWanted: true }, wanted('not_reachable')],
    [
      'while it was reached for a short time',
      { isWanted: true, direct: true, directSinceMs: 5, nowMs: RELAY_DIRECT_MS + 4 },
      wanted('perhaps_reachable'),
    ],
    [
      'no more when it was reached all the time',
      { isWanted: true, direct: true, directSinceMs: 5, nowMs: RELAY_DIRECT_MS + 5 },
      unwanted('reachable'),
    ],
  ])('wants a relay: %s', (_when, facts, decision) => {
    expect(decide(facts)).toEqual(decision);
  });
});
