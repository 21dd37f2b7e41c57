// `npm run screenshots`: pictures of every page of the console for docs/console.md. No test: nothing is judged.
import { defineConfig } from 'vitest/config';
import common from './vitest.config.js';

export default defineConfig({
  ...common,
  test: {
    ...common.test,
    include: ['test/screenshots/*.screenshots.ts'],
    testTimeout: 900_000,
    hookTimeout: 900_000,
  },
});
