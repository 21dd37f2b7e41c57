// When the broker is asked for the facts of the network: once for all who ask together, daily, and seldom for strangers' keys.
import { beforeEach, describe, expect, it } from 'vitest';
import type { PeerHome } from '#peer-home';
import { FakeClock } from '#process';
import { formatTime, type NetworkAnswer, ProtocolError } from '#protocol';
import { TestAuthority } from '../../../test/authority.js';
import { createHome, FIXTURE_TIME_MS } from '../../../test/peer-fixture.js';
import { NetworkRefresh } from './network-refresh.js';

const DAY_MS = 86_400_000;

let clock: FakeClock;
let home: PeerHome;
let refresh: NetworkRefresh;
let asked: number;
let refusal: ProtocolError | null;
beforeEach(async () => {
  clock = new FakeClock(FIXTURE_TIME_MS);
  home = await createHome(await TestAuthority.create());
  [asked, refusal] = [0, null];
  const network = async (): Promise<NetworkAnswer> => {
    asked++;
    if (refusal !== null) throw refusal;
    const names = { publicName: `laptop-${asked}`, relayDomain: null };
    return { time: formatTime(clock.nowMs()), signingKeys: [], lanKeys: [], ...names };
  };
  refresh = new NetworkRefresh({ home, broker: { routes: { network } }, clock });
});

describe('the facts of the network', () => {
  it('are asked for once by all who ask together, and kept', async () => {
    await Promise.all([refresh.run(), refresh.run()]);
    expect([asked, home.network.load()?.publicName]).toEqual([1, 'laptop-1']);
  });

  it('are due at first, after a day, and as long as nothing was learned', async () => {
    refusal = new ProtocolError('broker_unreachable');
    await expect(refresh.run()).rejects.toMatchObject({ code: 'broker_unreachable' });
    expect(refresh.isDue).toBe(true);
    refusal = null;
    await refresh.run();
    clock.advance(DAY_MS - 1);
    expect(refresh.isDue).toBe(false);
    clock.advance(1);
    expect(refresh.isDue).toBe(true);
  });

  it('are asked for when a key is unknown, but not for every key that a stranger makes up', async () => {
    expect(await refresh.forUnknownKey()).toBe(true);
    expect(await refresh.forUnknownKey()).toBe(false);
    clock.advance(59_999);
    expect(await refresh.forUnknownKey()).toBe(false);
    clock.advance(1);
    expect(await refresh.forUnknownKey()).toBe(true);
    expect(asked).toBe(2);
  });
});
