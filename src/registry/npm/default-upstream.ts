/**
 * Where packages are asked for while nobody has declared an uplink: what the setting says, or where npm of this machine
 * asks. Never this registry itself, which npm is often told to use.
 * @module
 */
import { parseUplinkUrl } from '../../packages/uplinks/uplink.ts';

const NPM_TIMEOUT_MS = 10_000;
const LOCAL = new Set(['localhost', '127.0.0.1', '[::1]']);

export interface UpstreamChoice {
  /** Of `C13_UPSTREAM`: a URL, `none`, or `npm` for what npm says. */
  readonly setting: string;
  /** Where this registry is reached. */
  readonly origin: () => string;
  readonly log: (line: string) => void;
  /** What npm is told to use; null: there is no npm. Default: asks it. */
  readonly ask?: () => Promise<string | null>;
}

/** null: nobody is asked. */
export async function defaultUpstream({ setting, origin, log, ask = askNpm }: UpstreamChoice): Promise<string | null> {
  if (setting === 'none') return null;
  if (setting !== 'npm') return parseUplinkUrl(setting);
  const text = await ask();
  const url = text !== null && URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || isSame(url, new URL(origin()))) {
    log('no uplink: none is declared, and npm of this machine names no other registry (C13_UPSTREAM)');
    return null;
  }
  url.username = '';
  url.password = '';
  return parseUplinkUrl(url.origin + url.pathname);
}

async function askNpm(): Promise<string | null> {
  const npm = Bun.which('npm');
  if (npm === null) return null;
  const child = Bun.spawn([npm, 'config', 'get', 'registry'], {
    stdin: 'ignore',
    stderr: 'ignore',
    timeout: NPM_TIMEOUT_MS,
  });
  const text = await new Response(child.stdout).text();
  return (await child.exited) === 0 ? text.trim() : null;
}

function isSame(a: URL, b: URL): boolean {
  return a.port === b.port && (a.hostname === b.hostname || (LOCAL.has(a.hostname) && LOCAL.has(b.hostname)));
}
