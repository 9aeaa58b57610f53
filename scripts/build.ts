/**
 * Runs steps of build.zig with the pinned compiler: those named as arguments, or the library and the wasm for
 * this machine when none is. What is built lies in zig-out/.
 * @module
 */
import { main, show, Stop } from './run.ts';
import { zigCompiler } from './zig.ts';

await main(async () => {
  const { exitCode } = await show([await zigCompiler(), 'build', '--summary', 'none', ...Bun.argv.slice(2)]);
  if (exitCode === 0) return 0;
  throw new Stop('the core does not build', 'read the first error of the compiler above.');
});
