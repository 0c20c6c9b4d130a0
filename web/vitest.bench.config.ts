import { defineConfig } from 'vitest/config';

/** How fast long lists are in a real browser: see bench/ and make web-bench. */
export default defineConfig({ test: { include: ['bench/*.bench.ts'], environment: 'node', fileParallelism: false } });
