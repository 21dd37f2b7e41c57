// How long an object looks: Padmé, so that its size tells about log log of what it would.
import { strict as assert } from 'node:assert';

/**
 * The padded length of `sizeBytes` bytes. Pure. At most 12 % more, under 3.2 % more above 1 MiB; only the highest
 * bits of the length survive, as many as its exponent has digits.
 *
 * source   Nikitin et al., Reducing Metadata Leakage from Encrypted Files and Communication with PURBs, PoPETs 2019, §4
 */
export function paddedBytes(sizeBytes: number): number {
  assert(Number.isInteger(sizeBytes));
  assert(sizeBytes >= 2 && sizeBytes < 2 ** 31);
  const exponent = 31 - Math.clz32(sizeBytes);
  const exponentDigits = 32 - Math.clz32(exponent);
  const step = 2 ** Math.max(0, exponent - exponentDigits);
  return Math.ceil(sizeBytes / step) * step;
}
