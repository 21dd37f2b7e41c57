// How the long tests run (`npm run test:long`): the same way as the others, other files, half an hour each.
import { defineConfig } from 'vitest/config';
import base from './vitest.config.js';

const LONG_MS = 30 * 60_000;

export default defineConfig({
  ...base,
  test: { ...base.test, include: ['**/*.long-spec.ts'], testTimeout: LONG_MS, hookTimeout: LONG_MS },
});
