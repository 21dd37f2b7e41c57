// Times to the microsecond, as the disk takes them.
import { closeSync, futimesSync, lstatSync, lutimesSync, openSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { floorToMicrosecond, utimesText } from './file-times.js';
import { freshFolder } from './testing-folders.js';

describe('the time of a restored entry', () => {
  it.each([
    [1_763_700_000_123_456_789n, 1_763_700_000_123_456_000n],
    [-1n, -1_000n],
    [-1_000n, -1_000n],
    [0n, 0n],
  ])('%i is rounded down to %i', (timeNs, expected) => {
    expect(floorToMicrosecond(timeNs)).toBe(expected);
  });

  it('is on the disk exactly as rounded, for any time from 1910 to 2106', () => {
    const folder = freshFolder();
    const descriptor = openSync(join(folder.path, 'f'), 'w');
    const link = join(folder.path, 'link');
    symlinkSync('f', link);
    fc.assert(
      fc.property(fc.bigInt({ min: -1_893_456_000_000_000_000n, max: 4_294_967_295_999_999_999n }), (timeNs) => {
        const text = utimesText(timeNs);
        futimesSync(descriptor, text, text);
        lutimesSync(link, text, text);
        expect(lstatSync(join(folder.path, 'f'), { bigint: true }).mtimeNs).toBe(floorToMicrosecond(timeNs));
        expect(lstatSync(link, { bigint: true }).mtimeNs).toBe(floorToMicrosecond(timeNs));
      }),
      { numRuns: 2_000 },
    );
    closeSync(descriptor);
    folder.remove();
  });
});
