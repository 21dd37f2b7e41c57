// /usr/share, up to 300 MB and 30,000 entries, through the real processes on six hosts; compared by rsync.
import { expect, it } from 'vitest';
import { assertBuiltAfresh } from '../built-afresh.js';
import { backUpShare } from '../shared-files.js';

assertBuiltAfresh();

const MB = 1_000_000;

it('comes back as rsync knows it, after a first, an unchanged and a changed backup', async () => {
  const { entries } = await backUpShare({ entries: 30_000, bytes: 300 * MB });
  expect(entries).toBeGreaterThan(1_000);
});
