// Random numbers that one seed gives again and again, bit for bit; each purpose has a stream of its own. Pure.

/**
 * xoshiro128** with 53 bits a number; streams of one seed are unlike each other, so that more audits do not move deaths.
 *
 * source   D. Blackman, S. Vigna: Scrambled Linear Pseudorandom Number Generators (2021); seeded by splitmix32
 */
export class SeededRandom {
  private readonly state: Uint32Array;

  constructor(seed: number, stream: string) {
    let mix = seed >>> 0;
    for (const character of stream) mix = Math.imul(mix ^ character.codePointAt(0)!, 0x01000193) >>> 0;
    this.state = new Uint32Array(4).map(() => {
      mix = (mix + 0x9e3779b9) >>> 0;
      let word = mix;
      word = Math.imul(word ^ (word >>> 16), 0x21f0aaad);
      word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
      return word ^ (word >>> 15);
    });
    // Four zeros would stay zeros.
    this.state[0]! |= 1;
  }

  /** In [0, 1). A bound function, because policy takes randomness as one. */
  readonly next = (): number => {
    const high = this.word() >>> 5;
    const low = this.word() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  };

  /** A whole number from 0 to below `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  /** Exponentially distributed; Infinity for a mean of Infinity. */
  exponential(mean: number): number {
    return -Math.log1p(-this.next()) * mean;
  }

  /** Poisson distributed, for small means: the arrivals that fit. */
  poisson(mean: number): number {
    let count = 0;
    for (let sum = this.exponential(1); sum < mean; sum += this.exponential(1)) count++;
    return count;
  }

  private word(): number {
    const state = this.state;
    const [s0, s1, s2, s3] = [state[0]!, state[1]!, state[2]!, state[3]!];
    const scrambled = Math.imul(s1, 5);
    state[2] = s2 ^ s0;
    state[3] = s3 ^ s1;
    state[1] = s1 ^ state[2]!;
    state[0] = s0 ^ state[3]!;
    state[2]! ^= s1 << 9;
    state[3] = (state[3]! << 11) | (state[3]! >>> 21);
    return Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
  }
}
