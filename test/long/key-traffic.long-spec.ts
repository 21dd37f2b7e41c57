// 200 requests a second for ten seconds against one broker and one host, while both ends renew their keys twice.
import { expect, it } from 'vitest';
import { SystemClock } from '#process';
import { runTraffic } from '../key-traffic.js';
import { shareWorld } from '../shared-world.js';

const PER_SECOND = 200;
const SECONDS = 10;
const MINUTE_MS = 60_000;
const policy = {
  redundancy: [{ hosts: 1, dataShards: 1, totalShards: 1, safeShards: 1 }],
  presenceTtlMs: 24 * 60 * MINUTE_MS,
};
const world = shareWorld({ hosts: 1, policy });

it('refuses none of them', { timeout: 120_000 }, async () => {
  const client = await world().addClient();
  const host = world().hosts[0]!;
  const clock = new SystemClock();
  const began = clock.monotonicMs();
  const pace = async (requests: number): Promise<void> => {
    const waitMs = began + (requests * 1_000) / PER_SECOND - clock.monotonicMs();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
  };
  const result = await runTraffic({ world: world(), client, host, requests: PER_SECOND * SECONDS, atOnce: 16, pace });
  console.info(JSON.stringify({ ...result, perSecond: Math.round(result.requests / result.seconds) }));
  expect(result).toMatchObject({ refused: [], renewals: 4 });
});
