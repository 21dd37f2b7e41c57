// Randomness for drawing and mixing: a fast generator that starts from fresh bytes of the system.

/** Numbers in [0, 1). */
export type Random = () => number;

/**
 * sfc32 by Chris Doty-Humphrey (PractRand): 128 bits of state, enough that nobody walks all pictures of an answer.
 * It draws pictures and nothing secret; answers come from node:crypto. Pure.
 *
 * seed   16 bytes
 */
export function randomFrom(seed: Uint8Array): Random {
  const view = new DataView(seed.buffer, seed.byteOffset, 16);
  let a = view.getInt32(0);
  let b = view.getInt32(4);
  let c = view.getInt32(8);
  let counter = view.getInt32(12);
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return (sum >>> 0) / 4_294_967_296;
  };
  // Its author's advice: the first outputs still show the seed.
  for (let i = 0; i < 15; i++) next();
  return next;
}

export const between = (random: Random, least: number, most: number): number => least + random() * (most - least);

export function pick<T>(random: Random, choices: readonly T[]): T {
  const chosen = choices[Math.floor(random() * choices.length)];
  if (chosen === undefined) throw new RangeError('nothing to choose from');
  return chosen;
}
