/**
 * The package managers that the registry is tried with: how each is started, and the files that tell it which registry
 * to use and to leave everything else in its own directory. Knows no command of theirs.
 * @module
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { realNode } from '../node/real-node.ts';
import { ROOT } from '../registry/fixtures.ts';

export const KINDS = ['npm', 'bun', 'pnpm', 'yarn1', 'yarn4'] as const;
export type Kind = (typeof KINDS)[number];

export interface Settings {
  /** Without a slash at its end. */
  readonly url: string;
  readonly token: string | null;
  readonly home: string;
  /** All that it keeps of what it has fetched. */
  readonly cache: string;
}

const MODULES = join(ROOT, 'node_modules');
/** Nothing listens there: whatever a client asks of the world outside ends here. */
const NOWHERE = 'http://127.0.0.1:1';

const require = createRequire(import.meta.url);
const PROGRAMS: Readonly<Record<Exclude<Kind, 'bun'>, readonly [manifest: string, program: string]>> = {
  npm: [require.resolve('npm/package.json'), 'bin/npm-cli.js'],
  pnpm: [require.resolve('pnpm/package.json'), 'bin/pnpm.cjs'],
  yarn1: [require.resolve('yarn1/package.json'), 'bin/yarn.js'],
  yarn4: [require.resolve('@yarnpkg/cli-dist/package.json'), 'bin/yarn.js'],
};

/** What comes before the arguments. */
export function programOf(kind: Kind): readonly string[] {
  if (kind === 'bun') return [process.execPath];
  const [manifest, program] = PROGRAMS[kind];
  return [realNode(), join(manifest, '..', program)];
}

/** All that the process knows of its surroundings. */
export function environmentOf({ home, cache }: Settings): Record<string, string> {
  const path = [join(MODULES, '.bin'), join(realNode(), '..'), '/usr/bin', '/bin'];
  return {
    PATH: path.join(':'),
    HOME: home,
    TMPDIR: home,
    XDG_CACHE_HOME: join(cache, 'xdg'),
    XDG_CONFIG_HOME: join(home, '.config'),
    XDG_DATA_HOME: join(home, '.data'),
    XDG_STATE_HOME: join(home, '.state'),
    BUN_INSTALL: join(home, '.bun'),
    BUN_INSTALL_CACHE_DIR: join(cache, 'bun'),
    YARN_IGNORE_PATH: '1',
    // Without this, Yarn 1 would take /usr/local/share for the home of root.
    FAKEROOTKEY: '1',
    HTTPS_PROXY: NOWHERE,
    NO_PROXY: '127.0.0.1,localhost',
    NO_COLOR: '1',
    TERM: 'dumb',
  };
}

/** The files of its home, by their path in there. */
export function settingsFiles(kind: Kind, settings: Settings): Readonly<Record<string, string>> {
  if (kind === 'yarn4') return { '.yarnrc.yml': yarn4Settings(settings) };
  const npmrc = { '.npmrc': npmSettings(kind, settings) };
  if (kind === 'yarn1') return { ...npmrc, '.yarnrc': yarn1Settings(settings) };
  return kind === 'pnpm' ? { ...npmrc, '.config/pnpm/rc': pnpmSettings(settings) } : npmrc;
}

/** Yarn 1 shows its token for scoped packages alone unless it is told more, in a word that npm warns of. */
function npmSettings(kind: Kind, { url, token, cache }: Settings): string {
  const login = token === null ? [] : [`${url.replace(/^http:/, '')}/:_authToken=${token}`];
  if (kind === 'yarn1') login.push('always-auth=true');
  return lines(
    `registry=${url}/`,
    `cache=${join(cache, 'npm')}`,
    'audit=false',
    'fund=false',
    'progress=false',
    'update-notifier=false',
    'fetch-retries=0',
    ...login,
  );
}

/** In a file that npm does not read, which would warn of each. */
function pnpmSettings({ cache }: Settings): string {
  return lines(
    `store-dir=${join(cache, 'store')}`,
    `cache-dir=${join(cache, 'pnpm')}`,
    `state-dir=${join(cache, 'state')}`,
    'update-notifier=false',
    'manage-package-manager-versions=false',
    'package-import-method=copy',
    // It would take the one that lies beside node.
    `npm-path=${join(MODULES, '.bin', 'npm')}`,
  );
}

function yarn1Settings({ url, cache }: Settings): string {
  return lines(
    `registry "${url}/"`,
    `cache-folder "${join(cache, 'yarn')}"`,
    `https-proxy "${NOWHERE}"`,
    'disable-self-update-check true',
    'lastUpdateCheck 9999999999999',
  );
}

/** What was published a moment ago is what the tests install: its gate for young versions stays open. */
function yarn4Settings({ url, token, cache }: Settings): string {
  return lines(
    `npmRegistryServer: "${url}"`,
    ...(token === null ? [] : [`npmAuthToken: "${token}"`, 'npmAlwaysAuth: true']),
    'unsafeHttpWhitelist: ["127.0.0.1"]',
    `httpsProxy: "${NOWHERE}"`,
    `cacheFolder: "${join(cache, 'yarn')}"`,
    `globalFolder: "${join(cache, 'yarn-global')}"`,
    'enableGlobalCache: false',
    'enableTelemetry: false',
    'nodeLinker: node-modules',
    'npmMinimalAgeGate: 0',
    'httpRetry: 0',
  );
}

function lines(...all: string[]): string {
  return `${all.join('\n')}\n`;
}
