// When the host started, by the broker's clock: never earlier than it was, whatever the broker's answers leave out.
import { describe, expect, it } from 'vitest';
import { BrokerClient } from '#broker-api';
import { FakeClock, openLog } from '#process';
import { CLOCK_SKEW_MS_MAX } from '#protocol';
import { TestAuthority } from '../../../../test/authority.js';
import { createHome, peerIdOf } from '../../../../test/peer-fixture.js';
import { BROKER_TIME_STEP_MS } from '../limits.js';
import type { AgentState } from './agent-state.js';
import { BrokerHostTime } from './broker-host-time.js';
import { HomeStanding } from './home-standing.js';

const START_MS = Date.UTC(2026, 10, 20);

function stateOf(lastContactMs: number): AgentState {
  const nothing = { shardCount: 0, usedBytes: 0, isNew: false, cleanStop: true, replayHorizonMs: 0, tokensSinceMs: 0 };
  return { ...nothing, lastContactMs, standing: new HomeStanding(true) };
}

describe('the start of the process', () => {
  it.each([0, 1, 500, 999])(
    'counts as later than a token of its own moment, %i ms into a second',
    async (intoSecondMs) => {
      const clock = new FakeClock(START_MS + intoSecondMs);
      const home = await createHome(await TestAuthority.create(), { peerId: peerIdOf(1) });
      const broker = new BrokerClient({ home, clock, log: openLog('test', 'silent') });
      const time = new BrokerHostTime(broker, clock, stateOf(0));
      expect(time.startedAtMs()).toBe(START_MS + intoSecondMs + CLOCK_SKEW_MS_MAX);
      clock.advance(BROKER_TIME_STEP_MS);
      // As the broker signs it: `created` has whole seconds.
      broker.brokerTime.learn(Math.floor(clock.nowMs() / 1_000) * 1_000);
      clock.advance(250);
      expect(time.startedAtMs()).toBeGreaterThan(START_MS + intoSecondMs);
      // A host announces itself one step after its start: what the broker issues then is good.
      expect(time.startedAtMs()).toBeLessThanOrEqual(START_MS + intoSecondMs + BROKER_TIME_STEP_MS);
      await broker.close();
    },
  );
});

describe('a clock that was set back while nobody looked (trap: forward, then back)', () => {
  it('is overruled by what the broker said last, before and after the broker is heard again', async () => {
    const clock = new FakeClock(START_MS);
    const home = await createHome(await TestAuthority.create(), { peerId: peerIdOf(1) });
    const broker = new BrokerClient({ home, clock, log: openLog('test', 'silent') });
    const lastContactMs = START_MS + 60 * 60_000;
    const time = new BrokerHostTime(broker, clock, stateOf(lastContactMs));
    expect([time.nowMs(), time.brokerNowMs()]).toEqual([lastContactMs, null]);
    expect(time.startedAtMs()).toBe(lastContactMs + CLOCK_SKEW_MS_MAX);
    clock.advance(500);
    expect(time.nowMs()).toBe(lastContactMs + 500);
    broker.brokerTime.learn(lastContactMs + 10_000);
    expect(time.nowMs()).toBe(lastContactMs + 10_000);
    await broker.close();
  });
});
