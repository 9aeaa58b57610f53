/**
 * How vitest runs the tests under Bun. Forks, because tests kill processes and map shared memory; two workers,
 * because the smallest machine it runs on has two cores; long limits, because a limit is there to end what
 * hangs, never to measure.
 * @module
 */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts', 'tests/**/*_test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 60_000,
    server: { deps: { external: [/\.(so|dylib|dll)$/] } },
  },
});
