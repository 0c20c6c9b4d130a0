import { defineConfig } from 'vitest/config';

/** The pages in a real browser, on a real server: see tests/. */
export default defineConfig({
  test: {
    include: ['tests/**/*.e2e.ts'],
    environment: 'node',
    globalSetup: 'tests/world.ts',
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 90_000,
  },
});
