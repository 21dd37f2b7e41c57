// The attack of test/hostile-relay.spec.ts, 100,000 times.
import { expect, it } from 'vitest';
import { attackExchanges } from '../hostile-relay.js';

const SEED = Number(process.env.SEED ?? 1);

it(`100,000 exchanges, seed ${SEED}: 0 wrong bytes, 0 of them in the open`, async () => {
  expect(await attackExchanges(100_000, SEED)).toMatchObject({ exchanges: 100_000, wrong: 0, readInTheOpen: 0 });
});
