import { defineConfig } from 'vitest/config';

/** Makes the pictures of README.md anew: make web-pictures. */
export default defineConfig({
  test: { include: ['tests/*.pictures.ts'], environment: 'node', testTimeout: 60_000, hookTimeout: 90_000 },
});
