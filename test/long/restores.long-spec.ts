// 50 restores of an older home (trap 15): no token does its work twice.
import { expect, it } from 'vitest';
import { AgentFixture } from '../agent-fixture.js';
import { restoreOften } from '../restored-homes.js';

const RESTORES = 50;

it('that is restored 50 times accepts no token twice', async () => {
  const host = await AgentFixture.start();
  await restoreOften(host, RESTORES);
  expect(host.broker.homesRefused).toBeGreaterThanOrEqual(RESTORES);
  await host.stop();
});
