// 100,000 transaction keys sealed anew under a new key-encryption key, while peers go on; the quick suite does 2,000.
import { expect, it } from 'vitest';
import { rotateUnderLoad } from '../kek-rotation.js';

it('rewraps 100,000 rows online, and no request fails', { timeout: 600_000 }, async () => {
  const result = await rotateUnderLoad(100_000);
  console.info(JSON.stringify(result));
  expect(result).toMatchObject({ failures: [], unopened: 0, oldKeyIsGone: true });
  expect(result.rewrapped).toBeGreaterThanOrEqual(100_001);
  expect(result.requests).toBeGreaterThan(0);
});
