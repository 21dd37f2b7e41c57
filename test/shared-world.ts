// One world for the tests of a file: made before the first, closed after the last, its ledger added up after each.
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { World, type WorldOptions } from './world.js';

/** Returns how to get at the world; each test leaves the broker running. */
export function shareWorld(options: WorldOptions): () => World {
  let world: World | null = null;
  const get = (): World => {
    if (world === null) throw new Error('the world begins before the first test');
    return world;
  };
  beforeAll(async () => {
    world = await World.create(options);
  });
  afterEach(async () => {
    expect(await get().broker.checkLedger()).toEqual([]);
  });
  afterAll(() => get().close());
  return get;
}
