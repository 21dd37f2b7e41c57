// A part of /usr/share through the real processes, compared by rsync; the whole of it is in long/shared-files.long-spec.ts.
import { expect, it } from 'vitest';
import { assertBuiltAfresh } from './built-afresh.js';
import { backUpShare } from './shared-files.js';

assertBuiltAfresh();

const MB = 1_000_000;

it('about 5,000 entries of /usr/share come back as rsync knows them (B7)', { timeout: 600_000 }, async () => {
  const { entries } = await backUpShare({ entries: 5_000, bytes: 60 * MB });
  expect(entries).toBeGreaterThan(100);
});
