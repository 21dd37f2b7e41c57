// A random order from randomness that the caller brings.

/** `length` fresh bytes of the OS CSPRNG (a seeded stream in tests). */
export type RandomBytes = (length: number) => Uint8Array;

const DRAW_BYTES = 6;

/**
 * A uniformly random order of 0 .. count-1. Pure but for the randomness it is given.
 *
 * Each draw is 48 bits modulo at most 2^16, so no order is more likely than another by more than one part in 2^32.
 *
 * source   Fisher and Yates; Durstenfeld 1964
 */
export function shuffledOrder(count: number, randomBytes: RandomBytes): number[] {
  const draws = Buffer.from(randomBytes(count * DRAW_BYTES));
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = draws.readUIntBE(i * DRAW_BYTES, DRAW_BYTES) % (i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
