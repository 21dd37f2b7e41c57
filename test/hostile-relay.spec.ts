// A relay that changes, drops, swaps, repeats, inserts, holds and cuts: no wrong byte is taken, and it reads nothing (F1).
import { expect, it } from 'vitest';
import { HARMS } from './hostile-line.js';
import { attackExchanges } from './hostile-relay.js';

const SEED = Number(process.env.SEED ?? 20_261_122);

it(`2,000 exchanges, seed ${SEED}: 0 wrong bytes, 0 of them in the open`, { timeout: 240_000 }, async () => {
  const outcome = await attackExchanges(2_000, SEED);
  expect(outcome).toMatchObject({ exchanges: 2_000, wrong: 0, readInTheOpen: 0 });
  // Every kind of harm was done, and some exchanges went through: those whose frame never came.
  for (const harm of HARMS) expect(outcome.harms[harm]).toBeGreaterThan(50);
  expect(outcome.right).toBeGreaterThan(50);
  expect(outcome.failed).toBeGreaterThan(500);
});
