// Chance for the proofs of audits: the same seed gives the same draws, in [0, 1).

/** xorshift128 after Marsaglia (2003), its state spread from the seed by a multiplicative step: fast, of period 2^128 - 1. */
export function seeded(seed: number): () => number {
  let [x, y, z, w] = [1, 2, 3, 4].map((i) => Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b * (2 * i + 1)) | i) as [
    number,
    number,
    number,
    number,
  ];
  const next = (): number => {
    const t = x ^ (x << 11);
    x = y;
    y = z;
    z = w;
    w = w ^ (w >>> 19) ^ t ^ (t >>> 8);
    return (w >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 64; i++) next();
  return next;
}
