import { defineConfig } from 'vitest/config';

/** The pages in a real browser, on a real server: see tests/. Each file has a server of its own. */
export default defineConfig({
  test: {
    include: ['tests/**/*.e2e.ts'],
    environment: 'node',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 90_000,
  },
});
