// When a peer wants a relay (F1): at once when it is not reached, and no longer only after it was reached for a while; and
// when it wants another one.
import { describe, expect, it } from 'vitest';
import type { PeerId } from '#protocol';
import { peerIdOf } from '../../../../test/peer-fixture.js';
import { RELAY_DIRECT_MS, RELAY_USELESS_MS_MAX, RELAY_USELESS_MS_MIN } from '../limits.js';
import { decideRelay, isRelayUseless, type RelayFacts, type UseFacts } from './decide-relay.js';

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

describe('a relay', () => {
  const relayId: PeerId = peerIdOf(1);
  const unreached = (lastMs: number) => ({ relayId, firstMs: 5, lastMs });
  const least = 5 + RELAY_USELESS_MS_MIN;
  const most = 5 + RELAY_USELESS_MS_MAX;
  it.each<[string, Partial<UseFacts>, boolean]>([
    ['not while nothing is said', {}, false],
    ['not by the first word', { unreached: unreached(5) }, false],
    ['not before it was said for long enough', { unreached: unreached(least - 1) }, false],
    ['when it was said for long enough', { unreached: unreached(least) }, true],
    ['not when it was said of another one', { unreached: { ...unreached(least), relayId: peerIdOf(2) } }, false],
    ['not soon after another was looked for', { unreached: unreached(least), lookedAtMs: 6 }, false],
    ['again after twice as long', { unreached: unreached(least + 6), lookedAtMs: 6, looks: 1 }, false],
    ['again after that', { unreached: unreached(6 + 2 * RELAY_USELESS_MS_MIN), lookedAtMs: 6, looks: 1 }, true],
    ['not more and more seldom for ever', { unreached: unreached(most), looks: 2_000 }, true],
    ['but no more often than that', { unreached: unreached(most - 1), looks: 2_000 }, false],
  ])('is of no use: %s', (_when, facts, isUseless) => {
    expect(isRelayUseless({ relayId, unreached: null, looks: 0, lookedAtMs: 0, ...facts })).toBe(isUseless);
  });
});
