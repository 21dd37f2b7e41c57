// Which linear combination of k shards gives any other shard: the whole mathematics of the code, for coding and rebuilding.
import { strict as assert } from 'node:assert';
import { logarithm, powerOfTwo } from './gf256.js';

/**
 * The coefficients that give each of the `wanted` shards as a combination of the shards `sources`. Pure.
 *
 * The code: data shards 0 .. k-1 stand for themselves, and parity shard i (k <= i < n) is the sum over j of
 * data[j] / (i xor j), in GF(2^8) modulo 0x11d. These rows form a Cauchy matrix, so every k of the n rows are
 * independent. ISA-L's gf_gen_cauchy1_matrix and klauspost/reedsolomon's WithCauchyMatrix have the same rows.
 *
 * Why no matrix is inverted: with u(z) = product of (z xor l) over 0 <= l < k, l != z, the bytes u(z) * shard[z] at one
 * position are the values at z = 0 .. n-1 of one polynomial of degree below k. Any k values fix it (Lagrange), hence
 *
 *   shard[w] = sum over s of  u(s) / u(w) * product over t != s of (w xor t) / (s xor t)  * shard[s],  s, t in sources.
 *
 * For sources 0 .. k-1 that is 1 / (w xor s): the parity row.
 *
 * sources  k different shard numbers, 0 .. 255; their count is the k of the code
 * wanted   shard numbers, 0 .. 255, none among the sources
 * returns  a row for each wanted shard: k coefficients in the order of sources, none zero
 * source   I. Reed, G. Solomon 1960; R. Roth, G. Seroussi, "On generator matrices of MDS codes", 1985; J. Blömer et al.,
 *          "An XOR-based erasure-resilient coding scheme", 1995 (Cauchy); J. Plank, L. Xu 2006
 */
export function interpolationRows(sources: readonly number[], wanted: readonly number[]): Uint8Array[] {
  const dataShards = sources.map((_, index) => index);
  // The formula in logarithms: a factor of w, a factor of s, and 1 / (w xor s).
  const sourceLogs = sources.map((s) => logProductOfDistances(s, dataShards) - logProductOfDistances(s, sources));
  return wanted.map((w) => {
    assert(!sources.includes(w));
    const wantedLog = logProductOfDistances(w, sources) - logProductOfDistances(w, dataShards);
    return Uint8Array.from(sources, (s, index) => powerOfTwo(wantedLog + sourceLogs[index]! - logarithm(w ^ s)));
  });
}

/** The logarithm, not reduced, of the product of (from xor point) over all points but `from` itself. */
function logProductOfDistances(from: number, points: readonly number[]): number {
  let sum = 0;
  for (const point of points) if (point !== from) sum += logarithm(point ^ from);
  return sum;
}
