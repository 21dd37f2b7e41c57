// Nobody without the host's key makes a token: a million changed tokens of every op and of batches (B15, B16).
import { randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { tryForgeries } from '../../testing/forgeries.js';

const MUTATIONS = 1_000_000;

describe('changed tokens', () => {
  const seed = randomInt(2 ** 32);

  it(`of every op and of batches are refused, 1,000,000 of 1,000,000 (seed ${seed})`, () => {
    const outcome = tryForgeries(seed, MUTATIONS);
    expect(outcome, `seed ${seed}`).toEqual({ tried: MUTATIONS, accepted: 0, refusals: { token_invalid: MUTATIONS } });
  });
});
