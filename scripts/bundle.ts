/**
 * Bundles what programs outside Bun import into dist/: one module for Node, which finds the WebAssembly core beside the
 * package as the sources do.
 * @module
 */
import { build } from 'esbuild';
import { main, ROOT } from './run.ts';

await main(async () => {
  await build({
    entryPoints: [`${ROOT}src/node.ts`],
    outfile: `${ROOT}dist/node.js`,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  });
  return 0;
});
