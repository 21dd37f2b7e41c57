// Measured churn (B25): what hosts tell of it one by one, what a young network may claim, and all of it at a running broker.
import { afterEach, describe, expect, it } from 'vitest';
import type { PeerId } from '#protocol';
import { changePeerState } from '../peers/change-peer-state.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { TestNetwork } from '../testing/test-network.js';
import type { TestPeer } from '../testing/test-peer.js';
import { type ChurnPolicy, churnPolicy } from './churn-policy.js';
import { decideChurn } from './decide-churn.js';
import { type HostLife, observeHost } from './observe-host.js';

const DAY_MS = 86_400_000;
const STEP_MS = 2 * 3_600_000;
const STEPS_A_YEAR = (365 * DAY_MS) / STEP_MS;
const policy: ChurnPolicy = churnPolicy.parse({});

describe('the rate of losses', () => {
  it('is what was assumed before anything is measured, and what was measured after a long time', () => {
    expect(decideChurn({ hostYears: 0, losses: 0, uptime: null }, policy)).toEqual({
      lossesPerHostYear: 0.25,
      hostYears: 0,
      losses: 0,
      uptime: 0.9,
    });
    const old = decideChurn({ hostYears: 20_000, losses: 1_000, uptime: 0.99 }, policy);
    expect(old.lossesPerHostYear).toBeCloseTo(0.05, 3);
    expect(old.uptime).toBe(0.99);
  });

  it('falls slowly while nothing is lost, and rises with every loss', () => {
    const rates = [0, 5, 20, 80].map(
      (hostYears) => decideChurn({ hostYears, losses: 0, uptime: null }, policy).lossesPerHostYear,
    );
    expect(rates).toEqual([0.25, 0.2, 0.125, 0.05]);
    // (5 + losses) / (20 + 5)
    expect(decideChurn({ hostYears: 5, losses: 5, uptime: null }, policy).lossesPerHostYear).toBe(0.4);
  });
});

describe('a host', () => {
  const time = { fromMs: 100 * DAY_MS, toMs: 465 * DAY_MS };
  const there: HostLife = {
    enrolledAtMs: 165 * DAY_MS,
    state: 'active',
    stateChangedAtMs: 172 * DAY_MS,
    stateCode: 'probation_ended',
    stateBefore: 'vetting',
    thereAtMs: 465 * DAY_MS,
  };
  const observed = (changes: Partial<HostLife>): { days: number; isLost: boolean } => {
    const { thereMs, isLost } = observeHost({ ...there, ...changes }, time, policy.silentForMs);
    return { days: thereMs / DAY_MS, isLost };
  };
  const at = (day: number): Pick<HostLife, 'stateChangedAtMs'> => ({ stateChangedAtMs: day * DAY_MS });

  it.each<[string, Partial<HostLife>, number, boolean]>([
    ['that is there counts since it enrolled', {}, 300, false],
    ['counts within the window alone', { enrolledAtMs: 0 }, 365, false],
    ['that is away for a day is not lost', { thereAtMs: 464 * DAY_MS }, 300, false],
    ['that is silent for longer is lost when it was last there', { thereAtMs: 265 * DAY_MS }, 100, true],
    ['that was silent before the window began tells nothing', { enrolledAtMs: 0, thereAtMs: 99 * DAY_MS }, 0, false],
    ['that its audits suspended is lost', { state: 'suspended', stateCode: 'audits_failed', ...at(265) }, 100, true],
    [
      'that people suspended after that is',
      { state: 'suspended', stateCode: 'operator_asked', stateBefore: 'suspended', ...at(265) },
      100,
      true,
    ],
    ['that people suspended is not', { state: 'suspended', stateCode: 'operator_asked', ...at(265) }, 100, false],
    ['that was shut out is lost', { state: 'revoked', stateBefore: 'active', ...at(265) }, 100, true],
    ['that was shut out when it had left is not', { state: 'revoked', stateBefore: 'gone', ...at(265) }, 100, false],
    ['that left in order is not', { state: 'gone', stateCode: 'nothing_held', ...at(265) }, 100, false],
    ['that falls silent while it leaves is', { state: 'leaving', ...at(200), thereAtMs: 265 * DAY_MS }, 100, true],
  ])('%s', (_, changes, days, isLost) => {
    expect(observed(changes)).toEqual({ days, isLost });
  });
});

describe('at the broker', () => {
  let network: TestNetwork;
  afterEach(() => network.remove());

  /** Steps in time, at each of which these hosts say that they are there. */
  async function pass(steps: number, hosts: readonly TestPeer[]): Promise<void> {
    for (let step = 0; step < steps; step++) {
      network.fixture.clock.advance(STEP_MS);
      for (const host of hosts) await host.announce();
    }
    await network.fixture.broker.measureChurnNow();
  }

  async function revoke(peerId: PeerId): Promise<void> {
    const database = await BrokerDatabase.open(`${network.fixture.dataDir}/broker.db`);
    const change = { peerId, action: 'revoke', by: 'owner', reason: '', ofAccount: null, atMs: network.nowMs } as const;
    await database.write((db) => changePeerState(db, change));
    await database.close();
  }

  /** Losses, and steps that hosts were there for. */
  const seen = (): { losses: number; hostSteps: number } => {
    const { losses, hostYears } = network.fixture.broker.churn();
    return { losses, hostSteps: Math.round(hostYears * STEPS_A_YEAR) };
  };

  it('counts hosts with shards, by the time they were there and what became of them, after a restart too', async () => {
    const redundancy = [{ hosts: 3, dataShards: 2, totalShards: 3, safeShards: 3 }];
    network = await TestNetwork.create({
      policy: { redundancy, audits: { on: false }, churn: { silentForMs: 2 * STEP_MS } },
      hosts: 3,
    });
    const [first, second, third] = network.hosts as [TestPeer, TestPeer, TestPeer];
    await pass(1, network.hosts);
    // Nobody holds anything yet.
    expect(seen()).toEqual({ losses: 0, hostSteps: 0 });
    await network.store();
    await pass(3, [first, second, third]);
    expect(seen()).toEqual({ losses: 0, hostSteps: 12 });
    await pass(3, [first, second]);
    expect(seen()).toEqual({ losses: 1, hostSteps: 7 + 7 + 4 });
    // Its silence is over.
    await pass(1, [first, second, third]);
    expect(seen()).toEqual({ losses: 0, hostSteps: 24 });
    await revoke(second.peerId);
    await pass(2, [first, third]);
    expect(seen()).toEqual({ losses: 1, hostSteps: 10 + 8 + 10 });
    await network.fixture.stop();
    // The broker alone was away: it lost nobody by that.
    network.fixture.clock.advance(10 * STEP_MS);
    await network.fixture.startAgain();
    expect(seen()).toEqual({ losses: 1, hostSteps: 28 });
  });
});
