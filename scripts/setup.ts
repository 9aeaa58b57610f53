/**
 * Makes a checkout ready on a machine that has only Node and npm: versions checked, packages installed, core
 * built, and with `--tests` the programs the tests need. It imports no package, says one line for each thing
 * it does, and nothing when there is nothing to do.
 * @module
 */
import { main, keep, ROOT, say, show, Stop } from './run.ts';
import { provideTestNeeds } from './test-needs.ts';
import { zigCompiler } from './zig.ts';

const STAMP = `${ROOT}node_modules/.installed-from`;
const SLOW_BUILD_MS = 1000;

await main(async () => {
  const unknown = Bun.argv.slice(2).find((argument) => argument !== '--tests');
  if (unknown !== undefined) throw new Stop(`setup knows no ${unknown}`, 'leave it out, or use --tests.', 2);
  await checkBun();
  await installPackages();
  await buildCore();
  if (Bun.argv.includes('--tests')) await provideTestNeeds();
  return 0;
});

async function checkBun(): Promise<void> {
  const manifest: { engines: { bun: string } } = await Bun.file(`${ROOT}package.json`).json();
  const wanted = manifest.engines.bun;
  if (Bun.semver.satisfies(Bun.version, wanted)) return;
  const version = wanted.replace(/^\D+/, '');
  throw new Stop(
    `this is Bun ${Bun.version}, and the project needs ${wanted}`,
    `run it as \`npx -y bun@${version} run ...\`, or install that version with \`npm install -g bun@${version}\`.`,
  );
}

/** The stamp is written last, so that an interrupted install is done again. */
async function installPackages(): Promise<void> {
  const wanted = await installKey();
  const stamp = Bun.file(STAMP);
  if ((await stamp.exists()) && (await stamp.text()) === wanted) return;
  say('setup: installing the packages that bun.lock names');
  const { exitCode, output } = await keep([process.execPath, 'install', '--frozen-lockfile']);
  if (exitCode !== 0) throw installFailed(output);
  await Bun.write(stamp, wanted);
}

/** Changes whenever installed packages may no longer fit. */
async function installKey(): Promise<string> {
  const hasher = new Bun.CryptoHasher('sha256');
  for (const name of ['package.json', 'bun.lock']) hasher.update(await Bun.file(ROOT + name).bytes());
  return `${hasher.digest('hex')} ${process.platform}-${process.arch}`;
}

function installFailed(output: string): Stop {
  process.stderr.write(output);
  if (output.includes('lockfile is frozen')) {
    return new Stop('package.json and bun.lock disagree', 'run `bun install` and commit bun.lock with package.json.');
  }
  return new Stop(
    'the packages could not be installed',
    'check that the package registry set in .npmrc or bunfig.toml is reachable from here and run it again; ' +
      'without a network, copy node_modules from a machine of the same kind and this commit.',
  );
}

/** Zig's own cache decides what is old; a build without changes takes less than a tenth of a second. */
async function buildCore(): Promise<void> {
  const compiler = await zigCompiler();
  const slow = setTimeout(() => say('setup: building the core (about a minute the first time)'), SLOW_BUILD_MS);
  const { exitCode } = await show([compiler, 'build', '--summary', 'none']);
  clearTimeout(slow);
  if (exitCode === 0) return;
  throw new Stop(
    'the core does not build',
    'read the first error of the compiler above; `bun run build:zig` builds again.',
  );
}
